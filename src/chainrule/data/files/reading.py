"""A user's data: a CSV or NPZ file, or a folder of IDX files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from chainrule._util.argument_checks import check_arguments
from chainrule._util.words import count_noun
from chainrule.data.errors import DataError
from chainrule.data.files.csv_file import CsvTable, read_csv
from chainrule.data.files.idx import read_idx
from chainrule.data.files.mnist import Split, find_mnist
from chainrule.data.files.npz_file import Arrays, read_npz

__all__ = ["RawData", "read_data", "read_folder"]

RawData = Arrays | CsvTable
"""Samples as they were read: nothing about them is fitted yet."""

CSV_SUFFIXES = (".csv", ".tsv", ".txt")


@check_arguments
def read_data(path: str | Path, **written: Any) -> tuple[RawData, Arrays | None]:
    """(the samples, those to test with where they come apart) of a file or folder.

    - a file that ends in .csv, .tsv or .txt: see :func:`read_csv`
    - a file that ends in .npz: its arrays ``inputs`` and ``targets``, see :func:`read_npz`
    - a folder: its IDX files, named as MNIST's, see :func:`read_folder`

    ``written``: how a CSV file is, see :func:`parse_csv`. Raises DataError for a damaged file or
    another kind, OSError where it cannot be read.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    if written and (path.is_dir() or path.suffix.lower() not in CSV_SUFFIXES):
        raise DataError(f"{path}: {', '.join(written)}: expected a CSV file, whose cells are so")
    if path.is_dir():
        return read_folder(path)
    if path.suffix.lower() in CSV_SUFFIXES:
        return read_csv(path, **written), None
    if path.suffix.lower() == ".npz":
        return read_npz(path), None
    raise DataError(
        f"{path}: expected a file that ends in .csv, .tsv, .txt or .npz, or a folder of IDX files"
    )


def read_folder(folder: str | Path) -> tuple[Arrays, Arrays | None]:
    """(training set, test set or None) of a folder of IDX files, gzipped or not.

    Named as MNIST's: ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, and for the test set
    ``t10k-…``. Images (N, H, W) become inputs (N, 1, H, W) in [0, 1]; other shapes stay.
    """
    train = _read_split(Path(folder), "train")
    there = any(path.name.startswith("t10k") for path in Path(folder).iterdir())
    return train, _read_split(Path(folder), "test") if there else None


def _read_split(folder: Path, split: Split) -> Arrays:
    images, labels = find_mnist(folder, split)
    x, y = read_idx(images, limit=1 << 32), read_idx(labels)
    if y.ndim != 1 or len(x) != len(y):
        expected = f"{count_noun(len(x), 'label')}, as many as {images.name}"
        raise DataError(f"{labels}: expected {expected}, got {tuple(y.shape)}")
    x = x.unsqueeze(1) if x.ndim == 3 else x
    return Arrays(str(folder), x.to(torch.float32) / 255, tuple(map(str, y.tolist())))
