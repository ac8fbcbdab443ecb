"""Handwritten digits: 5000 of MNIST and the optical digits, which come with the package; or all
70,000 of MNIST.

LeCun, Cortes and Burges, The MNIST database of handwritten digits, 1998; Alpaydin and Kaynak,
Cascading classifiers, Kybernetika, 1998. LICENSE-MNIST.md and LICENSE-OPTICAL-DIGITS.md say where
the images come from; scripts/build_digits.py and scripts/build_optical_digits.py rebuild the files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from chainrule._util.argument_checks import check_arguments
from chainrule.data.dataset import Dataset
from chainrule.data.files.bundled import OPTICAL_FILE, read_bundled
from chainrule.data.files.download import download_mnist
from chainrule.data.files.mnist import FILES, Split, find_mnist, read_mnist

__all__ = ["Collection", "digits", "image_sources", "load_digits"]

Collection: TypeAlias = Literal["mnist", "optical"]
"""Whose images: of MNIST, or the optical digits."""

HALF, OPTICAL_HALF = 2500, 898
OPTICAL_WHITE = 16


@check_arguments
def digits(
    split: Split = "train",
    *,
    collection: Collection = "mnist",
    root: str | Path | None = None,
    download: bool = False,
) -> Dataset:
    """Images of digits with the digits that they show.

    inputs (N, 1, 28, 28) float32 in [0, 1], black 0   targets (N,) int64 in 0 … 9

    By default N = 2500 of the package's own, 250 of each digit in turn (0 1 … 9 0 1 …), none of
    them in both splits. The whole of MNIST, N = 60,000 or 10,000 in the published order, comes
    from the user's folder `root`, which holds the four IDX files, gzipped or not; or with
    ``download=True`` from the network, into `root` or the user's cache.

    The ``collection`` "optical" has 898 images to train and 899 to test, 8 × 8 fields of 17 greys,
    each field as 3 × 3 pixels in the middle of the image; they are in the order of their source.

    Raises DataError for a damaged file, FileNotFoundError for a missing one, ImportError for a
    download without pooch, OSError where the network does not give the files, ValueError for
    another collection, and for a root or a download of one that comes with the package alone.
    """
    images, labels = load_digits(split, root, download, collection)
    return Dataset(images, labels, sources=image_sources(len(labels), split))


def image_sources(n: int, split: Split) -> Tensor:
    """A number for each of n images, (n, 1): 0, 1, … of the training images, −1, −2, … of others.

    So `sources` of data sets made of both splits tell them apart.
    """
    index = torch.arange(n).unsqueeze(1)
    return index if split == "train" else -1 - index


def load_digits(
    split: Split, root: str | Path | None, download: bool, collection: Collection = "mnist"
) -> tuple[Tensor, Tensor]:
    """The inputs and targets of `digits`."""
    if split not in FILES:
        raise ValueError(f"digits: expected split 'train' or 'test', got {split!r}")
    if collection == "optical":
        if download or root is not None:
            raise ValueError(
                "digits: the optical digits come with the package; no root, no download"
            )
        return load_optical_digits(split)
    if collection != "mnist":
        raise ValueError(
            f"digits: expected the collection 'mnist' or 'optical', got {collection!r}"
        )
    if download:
        images, labels = read_mnist(*download_mnist(split, root))
    elif root is not None:
        images, labels = read_mnist(*find_mnist(root, split))
    else:
        half = slice(HALF) if split == "train" else slice(HALF, None)
        images, labels = (part[half] for part in read_bundled())
    return images.unsqueeze(1).to(torch.float32) / 255, labels.long()


def load_optical_digits(split: Split) -> tuple[Tensor, Tensor]:
    """The images as large as MNIST's (N, 1, 28, 28), and their labels."""
    half = slice(OPTICAL_HALF) if split == "train" else slice(OPTICAL_HALF, None)
    images, labels = (part[half] for part in read_bundled(OPTICAL_FILE))
    wide = images.repeat_interleave(3, 1).repeat_interleave(3, 2)
    framed = torch.constant_pad_nd(wide, [2] * 4, 0).unsqueeze(1)
    return framed.to(torch.float32) / OPTICAL_WHITE, labels.long()
