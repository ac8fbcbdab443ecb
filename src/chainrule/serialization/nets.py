"""A net in a file, and back without its code."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from chainrule._util.argument_checks import check_arguments
from chainrule._util.atomic import write_atomically
from chainrule._util.kinds import check_kind
from chainrule.nn.config import apply_ties, find_sources, from_config
from chainrule.nn.module import Module
from chainrule.serialization.folder import CONFIG, read_net_folder
from chainrule.serialization.net_state import (
    check_paths,
    load_rng_state,
    net_header,
    net_tensors,
)
from chainrule.serialization.own_code import import_trusted
from chainrule.serialization.safetensors_file import (
    FileError,
    explain_misfit,
    file_bytes,
    read_file,
)

__all__ = ["load", "load_metadata", "net_bytes", "save"]

_NOT_A_NET = (
    AssertionError,  # torch's, for a device that is not there
    AttributeError,
    LookupError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
)


@check_arguments
def save(net: Module, path: str | Path, metadata: Mapping[str, Any] | None = None) -> None:
    """Write a net, plain or a cohort: its architecture, values, ties and the state of its draws.

    Each tied tensor is written once. ``metadata``, JSON data of the caller's, goes along: see
    :func:`load_metadata`. The file is replaced atomically. Raises OSError naming the path,
    TypeError for what is no net, ValueError where the net could not be built again: a module of
    your own stands at the top of a file that can be imported, and keeps its arguments. It is saved
    by its name and a digest of that file.
    """
    check_kind(net, Module, "net")
    write_atomically(path, net_bytes(net, metadata))


def net_bytes(net: Module, metadata: Mapping[str, Any] | None = None) -> bytes:
    """What :func:`save` writes. Raises ValueError as it does."""
    header = net_header(net) | ({} if metadata is None else {"metadata": dict(metadata)})
    return file_bytes("net", net_tensors(net), header)


@check_arguments
def load(path: str | Path, trust: str | Collection[str] = ()) -> Module:
    """The net of a file that :func:`save` or a training's checkpoint wrote, or of a folder.

    A folder is what :func:`save_folder` writes: config.json and model.safetensors.

    ``trust``: modules of your own that may be imported for it, which runs their code; each is to
    have the source that it had when the net was saved. Raises OSError where the file cannot be
    read, FileError (a ValueError) where it is damaged or not one of chainrule's, and where it needs
    another module; none of these ever gives a net that differs from the one saved.
    """
    place, tensors, header = _read_net(path)
    try:
        sources = find_sources(header["architecture"])
        import_trusted(sources, trust)
    except (ValueError, RecursionError) as error:
        raise FileError(place, str(error)) from None
    try:
        return _build_net(tensors, header, [*sources])
    except _NOT_A_NET as error:
        raise FileError(place, f"does not describe a net: {explain_misfit(error)}") from None


@check_arguments
def load_metadata(path: str | Path) -> dict[str, Any]:
    """What was saved along with a net, {} where nothing was. Raises as :func:`load` does."""
    place, _, header = _read_net(path)
    metadata = header.get("metadata", {})
    if not isinstance(metadata, dict):
        raise FileError(place, "the metadata of its net are no JSON object")
    return metadata


def _read_net(path: str | Path) -> tuple[Path, dict[str, Tensor], dict[str, Any]]:
    """(the file that describes it, tensors, header) of a net in a file or a folder."""
    if Path(path).is_dir():
        return Path(path) / CONFIG, *read_net_folder(path)
    _, tensors, header = read_file(path)
    return Path(path), tensors, header


def _build_net(
    tensors: dict[str, Tensor], header: dict[str, Any], trust: Collection[str]
) -> Module:
    with torch.device("meta"):  # nothing is allocated before the shapes are known to be right
        net = from_config(header["architecture"], trust)
        if header["replicas"] is not None:
            net = net.replicate(header["replicas"])
        apply_ties(net, header["ties"])
    state = {path.removeprefix("net."): t for path, t in tensors.items() if path.startswith("net.")}
    for path, first in header["ties"].items():
        if first not in state:
            raise ValueError(f"ties.{path}: there is no tensor {first!r}")
        state[path] = state[first]
    net.load_state_dict(state)
    check_dtypes(net, state)
    for path, value in net.named_state():
        value.map(lambda t, like=state[path]: torch.empty_like(like))  # type: ignore[misc]
    for parameter in net.parameters():
        parameter.grad.zero_()
    net.load_state_dict(state)
    check_paths("modes", net, header["modes"])
    for path, module in net.named_modules():
        module.training = header["modes"][path] is True
    load_rng_state(net, header["rng_state"])
    return net


def check_dtypes(net: Module, state: Mapping[str, Tensor]) -> None:
    """Raise ValueError, naming the tensor, unless all numbers of the net are of one floating dtype.

    What counts stays integer.
    """
    first: torch.dtype | None = None
    for path, value in net.named_state():
        got = state[path].dtype
        if not value.data.is_floating_point():
            expected = value.data.dtype
        else:
            first = first or (got if got.is_floating_point else torch.float32)
            expected = first
        if got != expected:
            raise ValueError(f"{path}: expected {expected}, got {got}")
