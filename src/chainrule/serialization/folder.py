"""A net as a folder that other programs read: tensors, their description, and a page for people.

``model.safetensors`` has the tensors by the names of ``state_dict``, each tied one once, for
whatever reads safetensors. ``config.json`` has all else that ``load`` needs, and a SHA-256 of both.
``README.md`` may be changed: nothing is read from it.
"""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as to_bytes
from torch import Tensor

from chainrule._util.argument_checks import check_arguments
from chainrule._util.atomic import write_folder
from chainrule._util.kinds import check_kind
from chainrule._version import __version__
from chainrule.nn.module import Module
from chainrule.serialization.header import NetHeader, find_header_problem
from chainrule.serialization.model_card import build_card
from chainrule.serialization.net_state import net_header, net_tensors
from chainrule.serialization.safetensors_file import FORMAT, FileError, sort_metadata
from chainrule.serialization.upgrade import upgrade_header

__all__ = ["CONFIG", "is_saved", "read_net_folder", "save_folder"]

MODEL, CONFIG, CARD = "model.safetensors", "config.json", "README.md"


@check_arguments
def save_folder(
    net: Module,
    folder: str | Path,
    metadata: Mapping[str, Any] | None = None,
    *,
    license: str | None = None,  # noqa: A002 (what it is called)
    overwrite: bool = False,
) -> None:
    """Write a net, plain or a cohort, as a folder of model.safetensors, config.json and README.md.

    :func:`load` takes it as it takes a file. ``metadata``: JSON data of the caller's, of which the
    page says the texts and numbers; ``license``: the name of one, such as "bsd-3-clause". A new
    folder is there whole or not at all. Where one is that has files, FileExistsError is raised;
    with ``overwrite`` the three are replaced, one after the other, and others stay. Raises OSError
    naming the path, and TypeError and ValueError as :func:`save` does.
    """
    check_kind(net, Module, "net")
    there = sorted(path.name for path in Path(folder).iterdir()) if Path(folder).is_dir() else []
    if there and not overwrite:
        problem = f"it has {', '.join(there[:3])}: overwrite=True, on the command line --overwrite"
        raise FileExistsError(
            errno.EEXIST, f"{problem}, replaces {MODEL}, {CONFIG} and {CARD}", str(folder)
        )
    write_folder(folder, folder_files(net, Path(folder).resolve().name, metadata, license))


def folder_files(
    net: Module, name: str, metadata: Mapping[str, Any] | None, license_name: str | None
) -> dict[str, bytes]:
    """Name → content of each file, in the order in which they are written."""
    tensors = {
        path.removeprefix("net."): t.detach().to("cpu", copy=True).contiguous()
        for path, t in net_tensors(net).items()
    }
    model = sort_metadata(to_bytes(tensors, {"format": "pt"}))
    header = net_header(net) | {"metadata": dict(metadata or {})}
    config = {
        "model_type": "chainrule",
        "architectures": [type(net).__name__],
        "chainrule_version": __version__,
        "format": FORMAT,
        **header,
        "model_sha256": hashlib.sha256(model).hexdigest(),
    }
    config["config_sha256"] = digest_config(config)
    card = build_card(net, name, config["metadata"], license_name)
    text = json.dumps(config, indent=2) + "\n"
    return {MODEL: model, CARD: card.encode(), CONFIG: text.encode()}


def digest_config(config: Mapping[str, Any]) -> str:
    """SHA-256 of what config.json says, however it is laid out, but of itself."""
    said = {name: value for name, value in config.items() if name != "config_sha256"}
    text = json.dumps(json.loads(json.dumps(said)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def is_saved(path: str | Path) -> bool:
    """Whether it is a file, or a folder that looks like one of :func:`save_folder`."""
    path = Path(path)
    return path.is_file() or any((path / name).is_file() for name in (MODEL, CONFIG))


def read_net_folder(folder: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """(tensors, header) of a folder, as ``read_file`` gives them of a file.

    Raises FileError, which names the file and the field, where it is not whole, not as it was
    written, or in a newer format; OSError where it cannot be read.
    """
    path = Path(folder) / CONFIG
    if not is_saved(folder):
        there = ", ".join(sorted(one.name for one in Path(folder).iterdir())[:3]) or "nothing"
        raise FileError(
            folder, f"a folder without a net: expected {MODEL} and {CONFIG} in it, got {there}"
        )
    config = read_config(path)
    data = read_folder_file(Path(folder) / MODEL)
    if hashlib.sha256(data).hexdigest() != config["model_sha256"]:
        raise FileError(Path(folder) / MODEL, f"damaged, or not that of {CONFIG}: model_sha256")
    try:
        tensors = parse_tensors(data)
    except (SafetensorError, ValueError, KeyError, RuntimeError, OverflowError) as error:
        raise FileError(Path(folder) / MODEL, f"damaged: {error}") from None
    header = {name: config[name] for name in NetHeader.model_fields if name in config}
    return {f"net.{name}": t for name, t in tensors.items()}, header


def read_config(path: Path) -> dict[str, Any]:
    """What config.json says, after a check of each field. Raises FileError as said above."""
    data = read_folder_file(path)
    try:
        config = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FileError(path, f"is no JSON: {error}") from None
    if not isinstance(config, dict) or config.get("model_type") != "chainrule":
        kind = config.get("model_type") if isinstance(config, dict) else None
        raise FileError(path, f"model_type: expected 'chainrule', got {kind!r}")
    version = config.get("format")
    if isinstance(version, int) and version > FORMAT:
        raise FileError(path, f"format {version} is newer than {FORMAT}: upgrade chainrule")
    if problem := find_header_problem("folder", config):
        raise FileError(path, f"does not describe a net: {problem}")
    if digest_config(config) != config["config_sha256"]:
        raise FileError(path, "damaged, or changed by hand: config_sha256")
    return upgrade_header(config["format"], config)


def read_folder_file(path: Path) -> bytes:
    """The content of a file of a folder. Raises FileError where it is not there."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        whole = f"a folder has {MODEL} and {CONFIG}"
        raise FileError(path, f"is missing; {whole}") from None
