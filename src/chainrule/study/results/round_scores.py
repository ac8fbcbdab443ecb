"""The scores of the rounds that all arms have, and the tests of them that a study declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from chainrule.statistics import (
    Comparisons,
    Design,
    Effects,
    ScorePair,
    StatisticsError,
    compare,
    factor_contrasts,
    factorial_effects,
    list_pairs,
)
from chainrule.study.spec.study import Study

__all__ = ["RoundScores"]


@dataclass(frozen=True)
class RoundScores:
    """Arm → its scores, one a round, larger is better, in ``scores``; ``factors`` as in an arm.

    The comparisons that the study declares and the effects of its factors are one family: each
    table is corrected for both. ``notes`` are said beside each.
    """

    study: Study
    scores: Mapping[str, Sequence[float]]
    factors: Mapping[str, Mapping[str, str]]
    design: Design
    notes: Sequence[str] = ()

    def compare(self, baseline: str | None) -> Comparisons:
        """Every arm against the baseline, or all pairs, as :func:`statistics.compare`."""
        found = compare(
            self.scores,
            self.design,
            baseline=baseline,
            rope=self.study.rope,
            seed=self.study.seed,
            others=self._effect_scores(),
        )
        return replace(found, notes=(*found.notes, *self.notes))

    def effects(self) -> Effects:
        """The effects of the factors, as :func:`statistics.factorial_effects`."""
        pairs = list_pairs(list(self.scores), self.study.baseline)
        others = [(self.scores[a], self.scores[b]) for a, b in pairs]
        found = factorial_effects(self.scores, self.factors, self.design, others=others)
        return replace(found, notes=(*found.notes, *self.notes))

    def _effect_scores(self) -> list[ScorePair]:
        """Those of each effect; none where there are none, or not of all arms."""
        try:
            return factor_contrasts(self.scores, self.factors)
        except StatisticsError:
            return []
