"""The network that compares two digits best: several read both, vote, and the rest is counting.

Input (N, 2, 14, 14); output a dict with "main" (N, 2), log-probabilities, and "first" and
"second" (N, 10), the mean log-probabilities of each digit. ``reading_loss`` is the loss of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from chainrule.nn import (
    AtMost,
    BatchNorm2d,
    Conv2d,
    CrossEntropyLoss,
    Dropout,
    Flatten,
    Heads,
    Linear,
    LogSoftmax,
    MaxPool2d,
    Mean,
    Module,
    MultiLoss,
    NLLLoss,
    ReLU,
    Select,
    Sequential,
    Siamese,
    Unflatten,
)

__all__ = ["pair_best", "reading_loss"]


def pair_best(
    readers: Sequence[str] = ("narrow", "padded", "flat"), dropout: float = 0.3
) -> Sequential:
    """Convolutional nets of several kinds read each digit; the comparison has nothing to learn.

    ``readers`` are of ``narrow``, ``padded``, ``flat``. Raises ValueError for another.
    """
    if unknown := [kind for kind in readers if kind not in READERS]:
        raise ValueError(f"pair_best: no reader {unknown[0]!r}; readers: {', '.join(READERS)}")
    encoders = [Sequential(Unflatten(1, (1, 14)), READERS[kind](dropout)) for kind in readers]
    heads = Heads(main=AtMost(), first=Select(1, 0), second=Select(1, 1))
    return Sequential(Siamese(Mean(encoders), together=True), heads)


def narrow(dropout: float) -> Sequential:
    """14 → 12 → 10 → (pool) 5 → 3 → 1: the last convolution sees all of the digit."""
    return Sequential(
        *(*conv(1, 32), ReLU(), *conv(32, 32), MaxPool2d(2), ReLU()),
        *(*conv(32, 32), ReLU(), *conv(32, 64), ReLU()),
        *decision(64, dropout),
    )


def padded(dropout: float) -> Sequential:
    """14 → 12 → 10 → (pool) 5 → 5 → 3: where a part of the digit lies is still known."""
    return Sequential(
        *(*conv(1, 32), ReLU(), *conv(32, 32), MaxPool2d(2), ReLU()),
        *(*conv(32, 64, padding=1), ReLU(), *conv(64, 64), ReLU()),
        *decision(64 * 3 * 3, dropout),
    )


def flat(dropout: float) -> Sequential:
    """14 → 12 → 10 → 8 → 6 → 4 → 2: no pooling."""
    channels = [1, 24, 32, 40, 48, 56, 64]
    layers = [layer for step in pairwise(channels) for layer in (*conv(*step), ReLU())]
    return Sequential(*layers, *decision(64 * 2 * 2, dropout))


READERS = {"narrow": narrow, "padded": padded, "flat": flat}


def conv(before: int, after: int, padding: int = 0) -> tuple[Module, Module]:
    """A normalized convolution, 3 x 3."""
    return Conv2d(before, after, 3, padding=padding, bias=False), BatchNorm2d(after)


def decision(features: int, dropout: float) -> tuple[Module, ...]:
    """The log-probabilities of the digits."""
    return Flatten(), Dropout(dropout), Linear(features, 10), LogSoftmax(1)


def reading_loss(weight: float = 1.0) -> MultiLoss:
    """Cross-entropy of main + weight (first + second), where each reader is to read alone."""
    losses = {"main": CrossEntropyLoss(), "first": NLLLoss(), "second": NLLLoss()}
    return MultiLoss(losses, {"first": weight, "second": weight})
