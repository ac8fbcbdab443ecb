"""IDX, the file format in which MNIST is published, gzipped or not.

A header of two zero bytes, a type code, the number D of dimensions and D big-endian 32-bit
sizes; then the numbers, last dimension fastest (http://yann.lecun.com/exdb/mnist/).
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import IO

import torch
from torch import Tensor

from chainrule._util.argument_checks import check_arguments
from chainrule._util.words import count_noun
from chainrule.data.errors import DataError

__all__ = ["read_idx"]

UNSIGNED_BYTE = 0x08
MAX_DIMENSIONS = 8
CHUNK = 1 << 20


@check_arguments
def read_idx(path: str | Path, *, limit: int = 1 << 28) -> Tensor:
    """The uint8 tensor of an IDX file, of the shape that its header states.

    Raises DataError for a file that is empty, cut, too long, corrupt, no IDX file or not one of
    unsigned bytes, or that states more than `limit` bytes; OSError where it cannot be read.
    Takes no more memory than the bytes that the header states, and that are there. A file that is
    not gzipped carries no checksum: that one of its numbers has changed cannot be seen.
    """
    path = Path(path)
    with path.open("rb") as file:
        zipped = file.peek(2)[:2] == b"\x1f\x8b"
        try:
            return _read_stream(gzip.GzipFile(fileobj=file) if zipped else file, path, limit)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(f"{path}: expected a whole gzip file, got: {error}") from None


def _read_stream(stream: IO[bytes] | gzip.GzipFile, path: Path, limit: int) -> Tensor:
    shape = _read_shape(stream, path)
    count = math.prod(shape)
    if not 0 < count <= limit:
        raise DataError(f"{path}: expected 1 to {limit} bytes of data, the header states {shape}")
    data = _read_at_most(stream, count + 1)
    if len(data) != count:
        got = f"only {len(data)}" if len(data) < count else "more"
        expected = f"{count_noun(count, 'byte')} of data for shape {shape}"
        raise DataError(f"{path}: expected {expected}, got {got}")
    return torch.frombuffer(data, dtype=torch.uint8).reshape(shape)


def _read_shape(stream: IO[bytes] | gzip.GzipFile, path: Path) -> tuple[int, ...]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or not 1 <= magic[3] <= MAX_DIMENSIONS:
        raise DataError(
            f"{path}: expected an IDX file, 00 00 type dimensions, got {_format_hex(magic)}"
        )
    if magic[2] != UNSIGNED_BYTE:
        raise DataError(f"{path}: expected IDX type 0x08, unsigned bytes, got 0x{magic[2]:02x}")
    sizes = stream.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        sizes_there = count_noun(magic[3], "size")
        raise DataError(f"{path}: expected {sizes_there}, the file ends before")
    return struct.unpack(f">{magic[3]}I", sizes)


def _read_at_most(stream: IO[bytes] | gzip.GzipFile, count: int) -> bytearray:
    """Up to `count` bytes. In chunks, for one large read would reserve what is not there."""
    data = bytearray()
    while len(data) < count and (chunk := stream.read(min(CHUNK, count - len(data)))):
        data += chunk
    return data


def _format_hex(start: bytes) -> str:
    return start.hex(" ") if start else "an empty file"
