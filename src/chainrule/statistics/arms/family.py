"""Tests that are corrected together: for each other, and for the looks at a running study."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np

from chainrule._util.argument_checks import check_arguments
from chainrule._util.words import count_noun
from chainrule.statistics.design import Design
from chainrule.statistics.errors import StatisticsError
from chainrule.statistics.pairs.equivalence import EquivalenceTest, equivalence_test
from chainrule.statistics.pairs.pairwise import PairedTest, paired_test, rescaled_interval
from chainrule.statistics.rounds.planning import Sensitivity, sensitivity
from chainrule.statistics.rounds.sequential import SequentialDesign, chance_to_decide
from chainrule.statistics.scores import Array, Scores, as_scores

__all__ = [
    "CorrectedEquivalence",
    "CorrectedTable",
    "CorrectedTest",
    "Family",
    "ScorePair",
    "holm",
    "simultaneous_interval",
]

ROUNDING = 1e-12
"""By how much of the largest score two ways to add up the same difference may differ."""

ScorePair: TypeAlias = tuple[Scores, Scores]
"""The scores of a test: those that count plus, and those that count minus, one a round."""


@check_arguments
def holm(p: Scores) -> list[float]:
    """p̃₍ᵢ₎ = max over j ≤ i of min(1, (m − j + 1) p₍ⱼ₎), in the order given

    The probability of rejecting any true hypothesis stays at most alpha. (Holm 1979.)

    Raises StatisticsError for none, and for a p outside [0, 1].
    """
    values = as_scores(p, "p", at_least=1)
    if values.min() < 0 or values.max() > 1:
        raise StatisticsError(f"expected every p in [0, 1], got {values.tolist()}")
    order = np.argsort(values, kind="stable")
    steps = np.minimum(1, np.arange(len(values), 0, -1) * values[order])
    adjusted = np.empty_like(values)
    adjusted[order] = np.maximum.accumulate(steps)
    return [float(x) for x in adjusted]


def simultaneous_interval(
    test: PairedTest, p_holm: float, comparisons: int, *, level: float | None = None
) -> tuple[float, float]:
    """d̄ ± t e at 1 − alpha / comparisons, cut at 0 where Holm's correction rejects 0

    Bonferroni's intervals hold for all comparisons at once at 1 − alpha. Holm rejects more: where
    it does so though the interval holds 0, the near end becomes 0, which then is outside. So an
    interval excludes 0 exactly where p_holm ≤ alpha. ``level`` takes the place of alpha /
    comparisons at a look at a running study. (Dunn 1961; Guilbaud 2008, on intervals for Holm's
    test; Jennison and Turnbull 1989, on those of several looks.)
    """
    alpha = 1 - test.confidence
    low, high = rescaled_interval(test, 1 - (alpha / comparisons if level is None else level))
    if p_holm > alpha:
        return low, high
    return (max(low, 0.0), high) if test.difference > 0 else (low, min(high, 0.0))


@dataclass(frozen=True, repr=False)
class CorrectedTable:
    """A table of tests of one family and, in ``notes``, what must be said beside it.

    ``family``: how many tests Holm's correction counts, these and others. ``looks``: when the study
    is looked at, None where that is once, at the end.
    """

    design: Design
    notes: Sequence[str]
    family: int
    looks: SequentialDesign | None

    def find_sensitivity(
        self, test: PairedTest, *, wanted: float | None = None, power: float = 0.8
    ) -> Sensitivity:
        """What a test of this family could have found, as :func:`statistics.sensitivity`."""
        level = None if self.looks is None else self.looks.level_at(test.n)
        return sensitivity(
            test, self.design, comparisons=self.family, wanted=wanted, power=power, level=level
        )


@dataclass(frozen=True)
class CorrectedTest:
    """A test among those of its family, as the fields of :class:`Comparison` of these names."""

    test: PairedTest
    p_holm: float
    simultaneous_low: float
    simultaneous_high: float
    p_looks: float | None = None
    decided_at: int | None = None
    chance: float | None = None


@dataclass(frozen=True)
class CorrectedEquivalence:
    """A test of equivalence among those of its family."""

    test: EquivalenceTest
    p_holm: float
    decided_at: int | None


@dataclass(frozen=True)
class Family:
    """How tests of ``rounds`` rounds are corrected; ``missing``: those that have no scores yet.

    Raises StatisticsError, when it is used, before the first of the ``looks``.
    """

    design: Design
    confidence: float
    looks: SequentialDesign | None
    rounds: int
    missing: int = 0

    @cached_property
    def looks_made(self) -> list[int]:
        """The rounds of each look that was made."""
        return [self.rounds] if self.looks is None else self.looks.looks_made(self.rounds)

    @property
    def n(self) -> int:
        """The rounds that count: those up to the last look."""
        return self.looks_made[-1]

    def count(self, own: Sequence[ScorePair], others: Sequence[ScorePair]) -> int:
        """How many tests there are: another that is one of one's own counts once."""
        return len(own) + len(select_further(own, others)) + self.missing

    def correct(
        self,
        own: Sequence[ScorePair],
        others: Sequence[ScorePair] = (),
        *,
        rope: float | None = None,
    ) -> list[CorrectedTest]:
        """One's own tests, corrected for each other, for the others and for the looks."""
        n, m = self.n, self.count(own, others)
        tests = [self.test_at_looks(a, b) for a, b in [*own, *select_further(own, others)]]
        table = [self.p_at_looks(of) for of in tests]
        columns = [self._holm(column) for column in zip(*table, strict=True)]
        looks = self.shared_looks(m)
        found = []
        for i in range(len(own)):
            test = tests[i][-1]
            p = [column[i] for column in columns]
            level = None if looks is None else looks.level_at(n)
            low, high = simultaneous_interval(test, p[-1], m, level=level)
            corrected = CorrectedTest(test, p[-1], low, high)
            if looks is not None:
                last, ends_at = looks.levels[-1], looks.looks[-1]
                corrected = replace(
                    corrected,
                    p_looks=table[i][-1],
                    decided_at=self._decided_at(p),
                    chance=chance_to_decide(test, ends_at, last, rope or None),
                )
            found.append(corrected)
        return found

    def correct_equivalence(
        self, own: Sequence[ScorePair], rope: float
    ) -> list[CorrectedEquivalence]:
        """Whether the differences of one's own tests are within ± rope: a family of its own."""
        tests = [
            [equivalence_test(a[:n], b[:n], self.design, rope=rope) for n in self.looks_made]
            for a, b in own
        ]
        table = [self._adjust_one_sided([test.p for test in of]) for of in tests]
        columns = [self._holm(column) for column in zip(*table, strict=True)]
        found = []
        for i, of in enumerate(tests):
            p = [column[i] for column in columns]
            found.append(CorrectedEquivalence(of[-1], p[-1], self._decided_at(p)))
        return found

    def test_at_looks(self, a: Scores, b: Scores) -> list[PairedTest]:
        """The test after each look that was made."""
        return [
            paired_test(a[:n], b[:n], self.design, confidence=self.confidence)
            for n in self.looks_made
        ]

    def p_at_looks(self, tests: Sequence[PairedTest]) -> list[float]:
        """p after each look that was made: that of its test, adjusted for the looks.

        A look whose difference points the other way than the last one's counts for nothing.
        """
        if self.looks is None:
            return [tests[-1].p]
        found = []
        for k, last in enumerate(tests, 1):
            p = [t.p if t.difference * last.difference > 0 else 1.0 for t in tests[:k]]
            found.append(self.looks.adjust(p)[-1])
        return found

    def _adjust_one_sided(self, p: Sequence[float]) -> list[float]:
        """Half of what two sides have: that both reject, at two looks, hardly ever happens.

        Each look counts by itself: equivalence must still hold at the last one.
        """
        if self.looks is None:
            return list(p)
        looks = self.looks
        return [looks.adjust([*[1.0] * k, min(1.0, 2 * x)])[-1] / 2 for k, x in enumerate(p)]

    def notes(self, own: int, m: int) -> tuple[str, ...]:
        """What must be said beside a table of one's ``own`` tests, of m in all."""
        looks = self.shared_looks(m)
        tests = f"{own} tests" if m == own else f"{m} tests of the study"
        counted = tests if looks is None else f"{tests} and looks" if m > 1 else "looks"
        together = (
            f"An interval holds at {self.confidence:.0%} by itself, a simultaneous one for all "
            f"{counted} at once: it excludes 0 where p after Holm's correction is at most "
            f"{1 - self.confidence:g}."
        )
        found = [f"n = {count_noun(self.n, 'round')}. {self.design.scope}"]
        found += [together] if m > 1 or looks else []
        return (*found, *([looks.describe(self.n)] if looks else []))

    def _holm(self, p: Iterable[float]) -> list[float]:
        return holm([*p, *[1.0] * self.missing])

    def shared_looks(self, m: int) -> SequentialDesign | None:
        """The looks with the levels that m tests share."""
        if self.looks is None:
            return None
        return replace(self.looks, alpha=1 - self.confidence, comparisons=m)

    def _decided_at(self, p_holm: Sequence[float]) -> int | None:
        """The rounds of the first look since which p is at most alpha."""
        above = [i for i, p in enumerate(p_holm) if p > 1 - self.confidence]
        first = above[-1] + 1 if above else 0
        return self.looks_made[first] if self.looks and first < len(p_holm) else None


def select_further(own: Sequence[ScorePair], others: Sequence[ScorePair]) -> list[ScorePair]:
    """The others without those that are one's own, and without doubles: a factor's, often."""
    if not others:
        return []
    pairs = [*own, *others]
    differences = np.array([subtract(a, b) for a, b in pairs])
    near = ROUNDING * max(np.abs(scores).max() for pair in pairs for scores in pair)
    kept = [*range(len(own))]
    for i in range(len(own), len(pairs)):
        d, known = differences[i], differences[kept]
        if not np.any([(np.abs(known - x) <= near).all(axis=1).any() for x in (d, -d)]):
            kept.append(i)
    return [pairs[i] for i in kept[len(own) :]]


def subtract(a: Scores, b: Scores) -> Array:
    """a − b, shape (n,)."""
    return np.asarray(a, np.float64) - np.asarray(b, np.float64)
