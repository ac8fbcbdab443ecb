"""The scores of two arms, round by round: what every test here starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule._util.kinds import describe_object
from chainrule._util.words import count_noun
from chainrule.statistics.errors import StatisticsError

__all__ = [
    "Array",
    "PairedDifferences",
    "Scores",
    "as_arms",
    "as_numbers",
    "as_scores",
    "check_table",
    "pair_scores",
]

Array: TypeAlias = NDArray[np.float64]
Scores: TypeAlias = Sequence[float] | Array

LARGEST = 1e100  # squares of scores must not overflow
NOISE = 4 * float(np.finfo(np.float64).eps)
TIE = 2.0**-22  # two scores of two arms, each rounded to single precision


@dataclass(frozen=True)
class PairedDifferences:
    """dⱼ = aⱼ − bⱼ, shape (n,), in the metric's unit, one a round.

    ``units`` is max(|aⱼ|, |bⱼ|), shape (n,). It says what rounding may have done to dⱼ: a
    difference, or a standard deviation, of a few units in the last place of a double is 0.
    ``ties`` is how far apart two differences may be and still count as equal in ranks and sums:
    accuracies often come from single precision, in which equal differences seldom are.
    """

    differences: Array
    units: Array

    @property
    def n(self) -> int:
        """The number of rounds."""
        return len(self.differences)

    @property
    def mean(self) -> float:
        """d̄; what adding up leaves of 0 is 0"""
        mean = float(self.differences.mean())
        return mean if abs(mean) > NOISE * self.units.max() else 0.0

    @cached_property
    def std(self) -> float:
        """s = √(Σ (dⱼ − d̄)² / (n − 1))"""
        unit = float(self.units.max()) or 1.0
        spread = float(np.std(self.differences / unit, ddof=1))  # no square underflows
        return spread * unit if spread > NOISE else 0.0

    @property
    def ties(self) -> Array:
        """Shape (n,), in the metric's unit."""
        return TIE * self.units


def pair_scores(a: Scores, b: Scores) -> PairedDifferences:
    """The differences of two arms whose round j had the same data.

    Raises StatisticsError where the numbers of rounds differ, and where :func:`as_scores` does.
    """
    x, y = as_scores(a, "the first arm"), as_scores(b, "the second arm")
    if len(x) != len(y):
        raise StatisticsError(
            f"the arms are compared round by round: expected as many scores of each, "
            f"got {len(x)} and {len(y)}"
        )
    units = np.maximum(np.abs(x), np.abs(y))
    differences = x - y
    differences[np.abs(differences) <= NOISE * units] = 0.0
    return PairedDifferences(differences, units)


def as_arms(scores: Mapping[str, Scores]) -> dict[str, Array]:
    """Arm → its scores, as many of each, from a dict or a table with a column an arm.

    Raises StatisticsError for anything else, and as :func:`as_scores`.
    """
    check_table(scores)
    arms = {arm: as_scores(values, f"arm {arm}") for arm, values in scores.items()}
    if len({len(values) for values in arms.values()}) > 1:
        counts = ", ".join(f"{arm} {len(values)}" for arm, values in arms.items())
        raise StatisticsError(f"expected as many scores of every arm, got {counts}")
    return arms


def check_table(scores: Mapping[str, Any]) -> None:
    """Raise StatisticsError unless it has arms and their scores."""
    if not hasattr(scores, "items"):
        raise StatisticsError(
            f"scores: expected a dict of arms and their scores, got {describe_object(scores)}"
        )


def as_numbers(values: Scores, name: str) -> Array:
    """An array of these, nan where one is masked; StatisticsError for what are no numbers."""
    try:
        x = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError):  # torch's, of a tensor that has a gradient
        raise StatisticsError(f"{name}: expected numbers, got {values!r:.60}") from None
    return np.ma.filled(np.ma.asarray(values, np.float64), np.nan) if np.ma.is_masked(values) else x


def as_scores(values: Scores, name: str, at_least: int = 2) -> Array:
    """The scores of an arm, one a round, as an array of shape (n,).

    Raises StatisticsError for fewer than ``at_least`` and for a score that is not finite (or is
    beyond 1e100): what a diverged round counts is declared, and filled in, before.
    """
    x = as_numbers(values, name)
    if x.ndim != 1 or len(x) < at_least:
        shape = f"{len(x)} of them" if x.ndim == 1 else f"the shape {x.shape}"
        least = count_noun(at_least, "score")
        raise StatisticsError(f"{name}: expected a list of at least {least}, got {shape}")
    are_usable = np.abs(x) < LARGEST
    if not are_usable.all():
        bad = int(are_usable.argmin())
        raise StatisticsError(
            f"{name}: score {bad} is {x[bad]}; score a diverged round by a declared rule, "
            "such as the worst value, before comparing"
        )
    return x
