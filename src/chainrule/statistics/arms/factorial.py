"""Main effects and interactions of a study whose arms are the product of factors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np

from chainrule._util.argument_checks import check_arguments
from chainrule._util.display import ShownAsTable
from chainrule._util.plain_data import finite_or_none
from chainrule.statistics.arms.family import CorrectedTable, Family, ScorePair
from chainrule.statistics.checks import check_at_least
from chainrule.statistics.design import Design
from chainrule.statistics.errors import StatisticsError
from chainrule.statistics.pairs.pairwise import PairedTest
from chainrule.statistics.rounds.sequential import SequentialDesign
from chainrule.statistics.scores import Array, Scores, as_arms, check_table

__all__ = ["Effect", "Effects", "factor_contrasts", "factorial_effects"]

Cells = dict[tuple[str, ...], Array]
Levels = dict[str, list[str]]


SHOWN = ("effect", "difference", "simultaneous_low", "simultaneous_high", "p_holm")
"""The columns of a printed table."""


@dataclass(frozen=True)
class Effect:
    """What changing a factor does (one in ``levels``), or what changing two of them adds.

    ``levels`` is factor → (level, the level that it is compared with). The other fields are those
    of :class:`Comparison` of these names.
    """

    levels: Mapping[str, tuple[str, str]]
    test: PairedTest
    p_holm: float
    simultaneous_low: float
    simultaneous_high: float
    p_looks: float | None = None
    decided_at: int | None = None

    @property
    def is_significant(self) -> bool:
        """Whether the corrected test finds an effect, at 1 − the test's confidence."""
        return self.p_holm <= 1 - self.test.confidence

    @property
    def name(self) -> str:
        """Such as ``sharing: yes - no`` or ``sharing: yes - no x aux: yes - no``."""
        return " x ".join(f"{f}: {new} - {old}" for f, (new, old) in self.levels.items())

    def as_row(self) -> dict[str, Any]:
        """The row as JSON data."""
        return {
            "effect": self.name,
            "kind": "main effect" if len(self.levels) == 1 else "interaction",
            **self.test.as_row(),
            "p_holm": self.p_holm,
            "simultaneous_low": finite_or_none(self.simultaneous_low),
            "simultaneous_high": finite_or_none(self.simultaneous_high),
            "p_looks": self.p_looks,
            "decided_at": self.decided_at,
        }


@dataclass(frozen=True, repr=False)
class Effects(ShownAsTable, CorrectedTable, columns=SHOWN):
    """The table of all effects of a factorial study."""

    effects: Sequence[Effect]

    def as_rows(self) -> list[dict[str, Any]]:
        """A row an effect, as JSON data."""
        return [effect.as_row() for effect in self.effects]


@check_arguments
def factorial_effects(
    scores: Mapping[str, Scores],
    factors: Mapping[str, Mapping[str, str]],
    design: Design,
    *,
    confidence: float = 0.95,
    looks: SequentialDesign | None = None,
    others: Sequence[ScorePair] = (),
    missing: int = 0,
) -> Effects:
    """Main effects, then the interactions of two factors, each tested as the design asks

    ``scores`` is arm → its scores, one a round; ``factors`` is arm → {factor: level}. The first
    level that occurs of a factor is the one that its other levels are compared with.

    - main effect: in each round, the score at the level minus the score at the first level,
      averaged over all levels of the other factors;
    - interaction: the effect of one factor at the level of the other, minus its effect at the
      first level of the other; a difference of differences, not halved.

    All are in the metric's unit. ``looks``, ``others`` and ``missing`` are as in :func:`compare`.
    (Fisher 1935; Montgomery 2017.)

    Raises StatisticsError where the arms are not the whole product of the levels, each once, and
    as :func:`compare`.
    """
    check_at_least(0, missing=missing)
    own = factor_contrasts(scores, factors)
    family = Family(design, confidence, looks, len(own[0][0]), missing)
    levels = collect_levels(scores, factors)
    found = [
        Effect(
            changes,
            of.test,
            of.p_holm,
            of.simultaneous_low,
            of.simultaneous_high,
            of.p_looks,
            of.decided_at,
        )
        for changes, of in zip(iter_contrasts(levels), family.correct(own, others), strict=True)
    ]
    m = family.count(own, others)
    notes = family.notes(len(own), m)
    return Effects(design, notes, m, family.shared_looks(m), tuple(found))


@check_arguments
def factor_contrasts(
    scores: Mapping[str, Scores], factors: Mapping[str, Mapping[str, str]]
) -> list[ScorePair]:
    """The scores that count plus and those that count minus for each effect, one a round

    In the order of :func:`factorial_effects`, which has the arguments and errors.
    """
    levels = collect_levels(scores, factors)
    cells = collect_cells(scores, factors, levels)
    return [contrast_scores(cells, levels, changes) for changes in iter_contrasts(levels)]


def collect_levels(
    scores: Mapping[str, Scores], factors: Mapping[str, Mapping[str, str]]
) -> Levels:
    """Factor → its levels, in the order in which they occur."""
    check_table(scores)
    missing = [arm for arm in scores if not factors.get(arm)]
    if missing or not scores:
        raise StatisticsError(f"expected the levels of every arm; without: {', '.join(missing)}")
    names = list(factors[next(iter(scores))])
    for arm in scores:
        if set(factors[arm]) != set(names):
            raise StatisticsError(
                f"arm {arm}: expected the factors {', '.join(names)}, got {', '.join(factors[arm])}"
            )
    return {f: list(dict.fromkeys(factors[arm][f] for arm in scores)) for f in names}


def collect_cells(
    scores: Mapping[str, Scores], factors: Mapping[str, Mapping[str, str]], levels: Levels
) -> Cells:
    """(Level of each factor) → the scores of the one arm there, shape (n,)."""
    cells: Cells = {}
    for arm, values in as_arms(scores).items():
        place = tuple(factors[arm][f] for f in levels)
        if place in cells:
            raise StatisticsError(f"arm {arm}: another arm has its levels, {', '.join(place)}")
        cells[place] = values
    absent = [place for place in product(*levels.values()) if place not in cells]
    if absent:
        raise StatisticsError(f"expected every combination of levels; no arm has {absent[0]}")
    if all(len(names) == 1 for names in levels.values()):
        raise StatisticsError("expected a factor with two levels: nothing varies between the arms")
    return cells


def iter_contrasts(levels: Levels) -> Iterator[dict[str, tuple[str, str]]]:
    """The main effects, then the interactions: {factor: (level, first level)} of each."""
    for size in (1, 2):
        for chosen in combinations(levels, size):
            for new in product(*(levels[f][1:] for f in chosen)):
                yield {f: (to, levels[f][0]) for f, to in zip(chosen, new, strict=True)}


def contrast_scores(
    cells: Cells, levels: Levels, changes: Mapping[str, tuple[str, str]]
) -> tuple[Array, Array]:
    """The cells that count + and those that count −, summed over the changes, else averaged."""
    plus: list[Array] = []
    minus: list[Array] = []
    for place, values in cells.items():
        at = dict(zip(levels, place, strict=True))
        if all(at[f] in pair for f, pair in changes.items()):
            old = sum(at[f] == pair[1] for f, pair in changes.items())
            (minus if old % 2 else plus).append(values)
    share = 2 ** (len(changes) - 1) / len(plus)
    return np.sum(plus, axis=0) * share, np.sum(minus, axis=0) * share
