"""Where a study's samples come from: each function makes (training set, test set) of a seed."""

from __future__ import annotations

from chainrule.seeds import derive

from .dataset import Dataset
from .pairs import digit_pairs
from .plane import disk

__all__ = ["disk_points", "pairs"]


def pairs(
    seed: int,
    *,
    train: int = 1000,
    test: int = 1000,
    root: str | None = None,
    download: bool = False,
) -> tuple[Dataset, Dataset]:
    """Pairs of digits, see :func:`digit_pairs`; test pairs come from other images."""
    return (
        digit_pairs(train, "train", seed=derive(seed, "train"), root=root, download=download),
        digit_pairs(test, "test", seed=derive(seed, "test"), root=root, download=download),
    )


def disk_points(seed: int, *, train: int = 1000, test: int = 1000) -> tuple[Dataset, Dataset]:
    """Points of the unit square, inside or outside of a disk: see :func:`disk`."""
    return disk(train, seed=derive(seed, "train")), disk(test, seed=derive(seed, "test"))
