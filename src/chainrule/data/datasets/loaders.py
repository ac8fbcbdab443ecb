"""Where a study's samples come from: each function makes (training set, test set) of a seed."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from chainrule._util.words import count_noun
from chainrule.data.dataset import Dataset
from chainrule.data.datasets.colored_digits import Color, colored_digits
from chainrule.data.datasets.csv_table import table
from chainrule.data.datasets.digit_pairs import digit_pairs
from chainrule.data.datasets.digits import Collection, digits
from chainrule.data.datasets.noisy_digits import NoisyTarget, noisy_digits
from chainrule.data.datasets.sequences import (
    Operation,
    adding,
    characters,
    copying,
    modular_arithmetic,
    read_text,
)
from chainrule.data.datasets.toy2d import PROBLEMS, bullseye, disk
from chainrule.data.files.mnist import Split
from chainrule.data.splits import holdout
from chainrule.data.transforms.one_hot import one_hot
from chainrule.seeds import derive, generator

__all__ = [
    "adding_sequences",
    "bullseye_points",
    "colored_digit_images",
    "copying_sequences",
    "digit_images",
    "disk_points",
    "modular_pairs",
    "noisy_digit_images",
    "pairs",
    "plane_points",
    "table",
    "text_characters",
]


def adding_sequences(
    seed: int, *, train: int = 1000, test: int = 1000, length: int = 20
) -> tuple[Dataset, Dataset]:
    """Numbers in a row, two of which are to be added: see :func:`adding`."""
    return (
        adding(train, length, seed=derive(seed, "train")),
        adding(test, length, seed=derive(seed, "test")),
    )


def bullseye_points(
    seed: int, *, train: int = 1000, test: int = 1000, share: float = 0.5, gap: float = 0.2
) -> tuple[Dataset, Dataset]:
    """Points on a disk or on a ring around it: see :func:`bullseye`."""
    return (
        bullseye(train, share, gap, seed=derive(seed, "train")),
        bullseye(test, share, gap, seed=derive(seed, "test")),
    )


def colored_digit_images(
    seed: int,
    *,
    train: int | None = None,
    test: int | None = None,
    colors: Sequence[Color] = ("red", "green", "blue", "yellow", "magenta", "cyan"),
    noise: float = 0.1,
    size: int = 28,
    spread: float | None = None,
    collection: Collection = "mnist",
    root: str | None = None,
    download: bool = False,
) -> tuple[Dataset, Dataset]:
    """Images of digits in colours, see :func:`colored_digits`; ``train``, ``test``: so many."""

    def part(split: Split, n: int | None) -> Dataset:
        own = derive(seed, split)
        painted = colored_digits(
            split,
            colors=colors,
            noise=noise,
            size=size,
            spread=spread,
            seed=own,
            collection=collection,
            root=root,
            download=download,
        )
        return _draw_subset(painted, n, own)

    return part("train", train), part("test", test)


def copying_sequences(
    seed: int,
    *,
    train: int = 1000,
    test: int = 1000,
    length: int = 5,
    delay: int = 10,
    symbols: int = 8,
) -> tuple[Dataset, Dataset]:
    """Symbols to be said again after a delay: see :func:`copying`."""

    def part(name: str, n: int) -> Dataset:
        return copying(n, length, delay=delay, symbols=symbols, seed=derive(seed, name))

    return part("train", train), part("test", test)


def digit_images(
    seed: int,
    *,
    train: int | None = None,
    test: int | None = None,
    collection: Collection = "mnist",
    root: str | None = None,
    download: bool = False,
) -> tuple[Dataset, Dataset]:
    """Images of digits, see :func:`digits`: all of both splits, or so many drawn of each."""

    def part(split: Split, n: int | None) -> Dataset:
        images = digits(split, collection=collection, root=root, download=download)
        return _draw_subset(images, n, derive(seed, split))

    return part("train", train), part("test", test)


def modular_pairs(
    seed: int, *, modulus: int = 97, operation: Operation = "+", fraction: float = 0.5
) -> tuple[Dataset, Dataset]:
    """Pairs of numbers, see :func:`modular_arithmetic`: this fraction of them, drawn, to learn
    from, all others to test on.

    Raises ValueError for a fraction outside (0, 1).
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction: expected a fraction between 0 and 1, got {fraction}")
    whole = modular_arithmetic(modulus, operation)
    order = torch.randperm(len(whole), generator=generator(seed, "data", "modular"))
    n = round(fraction * len(whole))
    return whole.subset(order[:n]), whole.subset(order[n:])


def noisy_digit_images(
    seed: int,
    *,
    train: int | None = None,
    test: int | None = None,
    target: NoisyTarget = "clean",
    noise: float = 0.5,
    size: int = 28,
    collection: Collection = "mnist",
    root: str | None = None,
    download: bool = False,
) -> tuple[Dataset, Dataset]:
    """Images of digits with noise, see :func:`noisy_digits`, all of them or so many drawn.

    ``target`` is that of the training images; those of the test are clean, or ``both``.
    """

    def part(split: Split, n: int | None, wanted: NoisyTarget) -> Dataset:
        own = derive(seed, split)
        images = noisy_digits(
            split,
            target=wanted,
            noise=noise,
            size=size,
            seed=own,
            collection=collection,
            root=root,
            download=download,
        )
        return _draw_subset(images, n, own)

    return part("train", train, target), part("test", test, "both" if target == "both" else "clean")


def pairs(
    seed: int,
    *,
    train: int = 1000,
    test: int = 1000,
    spread: float | None = None,
    collection: Collection = "mnist",
    root: str | None = None,
    download: bool = False,
) -> tuple[Dataset, Dataset]:
    """Pairs of digits, see :func:`digit_pairs`; test pairs come from other images."""

    def part(split: Split, n: int) -> Dataset:
        own = derive(seed, split)
        return digit_pairs(
            n,
            split,
            seed=own,
            collection=collection,
            root=root,
            download=download,
            spread=spread,
        )

    return part("train", train), part("test", test)


def disk_points(
    seed: int, *, train: int = 1000, test: int = 1000, signed: bool = False
) -> tuple[Dataset, Dataset]:
    """Points of the unit square, inside or outside of a disk: see :func:`disk`.

    With ``signed`` the targets are rows for a tanh: 1 at the class and −1 at the other.
    """
    parts = disk(train, seed=derive(seed, "train")), disk(test, seed=derive(seed, "test"))
    return (_sign_targets(parts[0]), _sign_targets(parts[1])) if signed else parts


def plane_points(
    seed: int, *, problem: str = "disk", train: int = 1000, test: int = 1000
) -> tuple[Dataset, Dataset]:
    """Points in the plane of two classes; ``problem``: the function that draws them, as "moons".

    Raises ValueError for a problem that there is not.
    """
    if problem not in PROBLEMS:
        raise ValueError(f"problem: expected one of {', '.join(PROBLEMS)}, got {problem!r}")
    draw = PROBLEMS[problem]
    return draw(train, seed=derive(seed, "train")), draw(test, seed=derive(seed, "test"))


def text_characters(
    seed: int, *, path: str, length: int = 32, test_fraction: float = 0.2
) -> tuple[Dataset, Dataset]:
    """Stretches of a text file and the character after each: see :func:`characters`.

    Which of them test is drawn; ``test_fraction`` is their share. The path is from where the
    command runs. Raises OSError for a file that is not there, DataError for one that is no text in
    UTF-8 or too short, ValueError for another share.
    """
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction: expected a fraction between 0 and 1, got {test_fraction}")
    whole = characters(read_text(path), length)
    learned, judged = holdout(whole, test_fraction, seed=derive(seed, "data", "text"))
    return whole.subset(learned), whole.subset(judged)


def _sign_targets(data: Dataset) -> Dataset:
    return Dataset(data.inputs, one_hot(data.targets, 2, low=-1.0))  # type: ignore[arg-type]


def _draw_subset(data: Dataset, n: int | None, seed: int) -> Dataset:
    """n of the samples without replacement, or all as they are. Raises ValueError for too many."""
    if n is None:
        return data
    if not 0 < n <= len(data):
        raise ValueError(f"expected from 1 to {count_noun(len(data), 'image')}, got {n}")
    return data.subset(torch.randperm(len(data), generator=generator(seed, "data"))[:n])
