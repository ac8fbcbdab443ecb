"""Tensors and a JSON header in one file: written whole or not at all, read right or not at all.

The file is a safetensors file. Its metadata holds a header and a SHA-256 of everything in the
file, because safetensors by itself reads a flipped bit without a word. Nothing in it is code.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as to_bytes
from torch import Tensor

from chainrule._util.atomic import write_atomically
from chainrule._util.words import count_noun
from chainrule.errors import ChainruleError
from chainrule.serialization.header import find_header_problem
from chainrule.serialization.upgrade import upgrade_header

__all__ = ["FORMAT", "FileError", "explain_misfit", "file_bytes", "pack", "read_file", "unpack"]
__all__ += ["write_file"]

FORMAT = 2
"""The number of the format that is written; every lower one is read."""

MOST_LETTERS = 1000
"""A message has no more."""


class FileError(ChainruleError, ValueError):
    """A file that cannot be used; the message names it and says what is wrong."""

    def __init__(self, path: str | Path, problem: str) -> None:
        more = "…" if len(problem) > MOST_LETTERS else ""  # it may repeat what the file says
        super().__init__(f"{path}: {problem[:MOST_LETTERS]}{more}")


def explain_misfit(error: Exception) -> str:
    """Why what a file says cannot be used; of what nobody foresaw, of what kind it was."""
    if isinstance(error, ValueError):
        return str(error)
    kind = type(error).__name__
    return f"what it says does not go together ({kind}), as if it was changed by hand"


def write_file(
    path: str | Path, kind: str, tensors: dict[str, Tensor], header: dict[str, Any]
) -> None:
    """Write the file in place of what was there, atomically. Raises OSError naming the path."""
    write_atomically(path, file_bytes(kind, tensors, header))


def file_bytes(kind: str, tensors: dict[str, Tensor], header: dict[str, Any]) -> bytes:
    """What is in a file. The same content gives the same bytes."""
    contents = {name: t.detach().to("cpu", copy=True).contiguous() for name, t in tensors.items()}
    text = json.dumps(header)
    metadata = {"chainrule": str(FORMAT), "kind": kind, "header": text}
    metadata["sha256"] = content_digest(metadata, contents)
    return sort_metadata(to_bytes(contents, metadata))


def sort_metadata(data: bytes) -> bytes:
    """A safetensors file with its metadata in the order of their names; it comes in any order."""
    size = int.from_bytes(data[:8], "little")
    entries = json.loads(data[8 : 8 + size])
    entries["__metadata__"] = dict(sorted(entries["__metadata__"].items()))
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


def read_file(path: str | Path) -> tuple[str, dict[str, Tensor], dict[str, Any]]:
    """(kind, tensors, header) of a file, the header in the words of the present format.

    Raises OSError where it cannot be read, FileError where it is damaged, not one of ours, or in
    a newer format than this version knows.
    """
    data = Path(path).read_bytes()
    metadata = _read_metadata(path, data)
    version = metadata["chainrule"]
    if not version.isdecimal() or int(version) < 1:
        raise FileError(path, f"damaged: {version!r} is not the number of a format")
    if int(version) > FORMAT:
        raise FileError(path, f"format {version} is newer than {FORMAT}: upgrade chainrule")
    try:
        tensors = parse_tensors(data)
    except (SafetensorError, ValueError, KeyError, RuntimeError, OverflowError) as error:
        raise FileError(path, f"damaged: {error}") from None
    if metadata.get("sha256") != content_digest(metadata, tensors):
        raise FileError(path, "damaged: its contents do not match its SHA-256")
    try:
        header = json.loads(metadata["header"])
    except (ValueError, RecursionError):
        raise FileError(path, "its header is no JSON") from None
    if not isinstance(header, dict):
        raise FileError(path, "its header is no JSON object")
    kind, header = metadata["kind"], upgrade_header(int(version), header)
    if problem := find_header_problem(kind, header):
        raise FileError(path, f"does not describe a {kind}: {problem}")
    return kind, tensors, header


def _read_metadata(path: str | Path, data: bytes) -> dict[str, str]:
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > len(data) - 8:
        if data[:1] == b"\x80" or data[:2] == b"PK":
            raise FileError(path, "a pickle or zip file: only chainrule's own files are read")
        size_there = count_noun(len(data), "byte")
        raise FileError(path, f"cut short, or not a chainrule file ({size_there})")
    try:
        metadata = json.loads(data[8 : 8 + size])["__metadata__"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise FileError(path, "damaged, or not a chainrule file: its header is no JSON") from None
    strings = isinstance(metadata, dict) and all(isinstance(v, str) for v in metadata.values())
    if not strings or not {"chainrule", "kind", "header", "sha256"} <= metadata.keys():
        raise FileError(path, "a safetensors file, but not one of chainrule's")
    return dict(metadata)


def content_digest(metadata: dict[str, str], tensors: dict[str, Tensor]) -> str:
    """SHA-256 over the metadata but itself, and every tensor's name, dtype, shape and bytes."""
    total = hashlib.sha256()
    for name in sorted(metadata.keys() - {"sha256"}):
        total.update(json.dumps([name, metadata[name]]).encode())
    for name in sorted(tensors):
        t = tensors[name].contiguous()
        total.update(json.dumps([name, str(t.dtype), list(t.shape)]).encode())
        total.update(t.reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def pack(value: Any, tensors: dict[str, Tensor], name: str = "") -> Any:
    """JSON data for nested dicts and lists; the tensors in them go to ``tensors`` by their path."""
    if isinstance(value, Tensor):
        name = f"{name}#{len(tensors)}"  # a number, for keys may hold dots
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, dict):
        return {"dict": [[k, pack(v, tensors, f"{name}.{k}")] for k, v in value.items()]}
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [pack(v, tensors, f"{name}.{i}") for i, v in enumerate(value)]}
    return value


def unpack(value: Any, tensors: dict[str, Tensor], place: str = "trainer") -> Any:
    """What :func:`pack` took apart. Raises ValueError, with the place, for anything else."""
    if not isinstance(value, dict):
        return value
    kind, inner = next(iter(value.items()), ("", None))
    match kind:
        case "tensor" if isinstance(inner, str) and inner in tensors:
            return tensors[inner]
        case "dict" if isinstance(inner, list) and all(map(is_entry, inner)):
            return {k: unpack(v, tensors, f"{place}.{k}") for k, v in inner}
        case "list" | "tuple" if isinstance(inner, list):
            items = [unpack(v, tensors, f"{place}.{i}") for i, v in enumerate(inner)]
            return items if kind == "list" else tuple(items)
    raise ValueError(f"{place}: expected a tensor of the file, a dict, a list or a tuple of values")


def is_entry(item: Any) -> bool:
    """Whether it is a key of a dict with a value."""
    return isinstance(item, list) and len(item) == 2 and isinstance(item[0], str | int | float)
