"""Handwritten digits: 5000 of MNIST that come with the package, or all 70,000.

LeCun, Cortes and Burges, The MNIST database of handwritten digits, 1998. LICENSE-MNIST.md says
where the 5000 come from; scripts/build_digits.py rebuilds their file.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from chainrule.data.dataset import Dataset
from chainrule.data.files.bundled import read_bundled
from chainrule.data.files.download import download_mnist
from chainrule.data.files.mnist import FILES, Split, find_mnist, read_mnist

__all__ = ["digits", "image_sources", "load_digits"]

HALF = 2500


def digits(
    split: Split = "train", *, root: str | Path | None = None, download: bool = False
) -> Dataset:
    """Images of digits with the digits that they show.

    inputs (N, 1, 28, 28) float32 in [0, 1], black 0   targets (N,) int64 in 0 … 9

    By default N = 2500 of the package's own, 250 of each digit in turn (0 1 … 9 0 1 …), none of
    them in both splits. The whole of MNIST, N = 60,000 or 10,000 in the published order, comes
    from the user's folder `root`, which holds the four IDX files, gzipped or not; or with
    ``download=True`` from the network, into `root` or the user's cache.

    Raises DataError for a damaged file, FileNotFoundError for a missing one, ImportError for a
    download without pooch, OSError where the network does not give the files.
    """
    images, labels = load_digits(split, root, download)
    return Dataset(images, labels, sources=image_sources(len(labels), split))


def image_sources(n: int, split: Split) -> Tensor:
    """A number for each of n images, (n, 1): 0, 1, … of the training images, −1, −2, … of others.

    So `sources` of data sets made of both splits tell them apart.
    """
    index = torch.arange(n).unsqueeze(1)
    return index if split == "train" else -1 - index


def load_digits(split: Split, root: str | Path | None, download: bool) -> tuple[Tensor, Tensor]:
    """The inputs and targets of `digits`."""
    if split not in FILES:
        raise ValueError(f"digits: expected split 'train' or 'test', got {split!r}")
    if download:
        images, labels = read_mnist(*download_mnist(split, root))
    elif root is not None:
        images, labels = read_mnist(*find_mnist(root, split))
    else:
        half = slice(HALF) if split == "train" else slice(HALF, None)
        images, labels = (part[half] for part in read_bundled())
    return images.unsqueeze(1).to(torch.float32) / 255, labels.long()
