"""Inputs and targets as an NPZ file, NumPy's archive of named arrays, has them."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from numpy.lib import format as npy
from torch import Tensor

from chainrule._util.words import count_noun
from chainrule.data.errors import DataError
from chainrule.data.files.csv_file import is_number

__all__ = ["Arrays", "read_npz"]

DAMAGE = (
    BadZipFile,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What reading a damaged archive raises; RuntimeError: an encrypted one, an unknown method."""

HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


@final
@dataclass(frozen=True, eq=False)
class Arrays:
    """Samples as they were read: inputs (N, …) float32, and N targets, texts or numbers as text.

    ``source`` is where they come from, for messages; ``targets`` is None where there are none.
    Raises DataError for no inputs, an input that is not finite, or another number of targets.
    """

    source: str
    inputs: Tensor
    targets: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        N = len(self.inputs)
        if not N or self.inputs.ndim < 2 or not self.inputs.numel():
            shape = tuple(self.inputs.shape)
            raise DataError(f"{self.source}: expected inputs (N, features…), got {shape}")
        if self.targets is not None and len(self.targets) != N:
            targets = count_noun(len(self.targets), "target")
            raise DataError(f"{self.source}: {count_noun(N, 'input')}, but {targets}")
        lost = (~self.inputs.isfinite()).nonzero()
        if len(lost):
            at = lost[0].tolist()
            value = float(self.inputs[tuple(at)])
            raise DataError(f"{self.source}: expected finite float32 inputs, inputs{at} is {value}")

    def __len__(self) -> int:
        return len(self.inputs)

    def subset(self, rows: Iterable[int]) -> Arrays:
        """These samples, in this order."""
        kept = [*rows]
        targets = self.targets
        picked = None if targets is None else tuple(targets[i] for i in kept)
        return Arrays(self.source, self.inputs[torch.tensor(kept)], picked)

    def concat(self, other: Arrays) -> Arrays:
        """These samples and then the others. Raises DataError where those have another shape."""
        a, b = self.inputs, other.inputs
        if a.shape[1:] != b.shape[1:]:
            raise DataError(f"{self.source}: inputs {tuple(a.shape)}, but to test {tuple(b.shape)}")
        both = self.targets is not None and other.targets is not None
        targets = (*(self.targets or ()), *(other.targets or ())) if both else None
        return Arrays(self.source, torch.cat([a, b]), targets)


def read_npz(path: str | Path, *, limit: int = 1 << 32) -> Arrays:
    """The arrays ``inputs`` (N, …), numbers, and if there ``targets`` (N,), numbers or texts.

    Raises DataError for a file that is damaged, of another kind, without these arrays, with
    Python objects in them or with arrays of more than ``limit`` bytes; OSError where it cannot be
    read. Nothing in it is run.
    """
    with Path(path).open("rb") as file:
        try:
            arrays = dict(_read_arrays(ZipFile(file), path, limit))
        except DataError:
            raise
        except DAMAGE as error:
            raise DataError(f"{path}: expected a whole NPZ file, got: {error}") from None
    if "inputs" not in arrays:
        raise DataError(
            f"{path}: expected the arrays inputs and targets, as numpy.savez(path, inputs=x, "
            f"targets=y) writes them; it has: {', '.join(arrays) or 'none'}"
        )
    x, y = arrays["inputs"], arrays.get("targets")
    if x.dtype.kind not in "buif":
        raise DataError(f"{path}: expected inputs that are numbers, got {x.dtype}")
    inputs = torch.from_numpy(x.astype(np.float32))
    return Arrays(str(path), inputs, None if y is None else target_cells(y, path))


def target_cells(y: np.ndarray[Any, Any], path: str | Path) -> tuple[str, ...]:
    """Targets (N,) or (N, 1), each as a text."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1 or y.dtype.kind not in "buifU":
        raise DataError(
            f"{path}: expected targets (N,), one number or text a sample, got {y.shape} {y.dtype}"
        )
    if y.dtype.kind == "b":
        y = y.astype(np.uint8)
    cells = tuple(str(value).strip() for value in y.tolist())
    for i, cell in enumerate(cells):
        if not cell or (y.dtype.kind == "f" and not is_number(cell)):
            raise DataError(f"{path}: expected a target for each sample, targets[{i}] is {cell!r}")
    return cells


def _read_arrays(
    archive: ZipFile, path: str | Path, limit: int
) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Each array of the archive by its name; only those that are used are read."""
    for info in archive.infolist():
        name = info.filename.removesuffix(".npy")
        if name not in ("inputs", "targets"):
            yield name, np.empty(0)
            continue
        with archive.open(info) as file:
            version = npy.read_magic(file)
            if version not in HEADERS:
                raise DataError(f"{path}: array {name} has the unknown format {version}")
            shape, _, dtype = HEADERS[version](file)
            stated = math.prod(shape) * dtype.itemsize
            if dtype.hasobject or stated > limit or stated > info.file_size:
                raise DataError(
                    f"{path}: expected array {name} of numbers or texts, at most {limit} bytes, "
                    f"got {shape} {dtype}"
                )
        with archive.open(info) as file:
            yield name, npy.read_array(file, allow_pickle=False)
