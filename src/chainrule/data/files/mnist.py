"""The four files of MNIST in a folder: found, read and checked against each other."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from torch import Tensor

from chainrule._util.words import count_noun
from chainrule.data.errors import DataError
from chainrule.data.files.idx import read_idx

__all__ = ["FILES", "Split", "find_mnist", "read_mnist"]

Split = Literal["train", "test"]

FILES: dict[Split, tuple[str, str]] = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
"""The published names of each split's images and labels, without ``.gz``."""


def find_mnist(root: str | Path, split: Split) -> tuple[Path, Path]:
    """The files of a split's images and labels in the folder `root`.

    Accepts ``train-images-idx3-ubyte`` and ``train-images.idx3-ubyte``, either with ``.gz`` or
    without. Raises FileNotFoundError that names the folder and the names looked for.
    """
    images, labels = FILES[split]
    folder = Path(root).expanduser()
    return _find_file(folder, images), _find_file(folder, labels)


def read_mnist(images: Path, labels: Path) -> tuple[Tensor, Tensor]:
    """The images (N, 28, 28) and labels (N,) of two IDX files, both uint8.

    Raises DataError for a damaged file, the wrong kind of file, other counts or another label.
    """
    x, y = read_idx(images), read_idx(labels)
    if x.shape[1:] != (28, 28):
        raise DataError(f"{images}: expected images (N, 28, 28), got {tuple(x.shape)}")
    if y.ndim != 1:
        raise DataError(f"{labels}: expected labels (N,), got {tuple(y.shape)}")
    if len(x) != len(y):
        expected = f"{count_noun(len(x), 'label')} as {images.name}"
        raise DataError(f"{labels}: expected {expected}, got {len(y)}")
    if (largest := int(y.max())) > 9:
        raise DataError(f"{labels}: expected labels 0 … 9, got {largest}")
    return x, y


def _find_file(folder: Path, name: str) -> Path:
    names = [name, f"{name}.gz"]
    names += [other.replace("-idx", ".idx") for other in names]
    for path in (folder / other for other in names):
        if path.is_file():
            return path
    raise FileNotFoundError(f"{folder}: expected one of the files {', '.join(names)}; found none")
