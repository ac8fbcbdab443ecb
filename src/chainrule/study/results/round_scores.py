"""The scores of the rounds that all arms have, and the tests of them that a study declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from chainrule import statistics
from chainrule.statistics import StatisticsError
from chainrule.study.spec.study import Study

if TYPE_CHECKING:
    from chainrule.statistics import Comparisons, Design, Effects, ScorePair, SequentialDesign

__all__ = ["RoundScores", "count_tests"]


@dataclass(frozen=True)
class RoundScores:
    """Arm → its scores, one a round, larger is better, in ``scores``; ``factors`` as in an arm.

    The comparisons that the study declares and the effects of its factors are one family: each
    table is corrected for both, and for the ``looks``, if any; then the tests of arms that have no
    results yet count too. ``notes`` are said beside each.
    """

    study: Study
    scores: Mapping[str, Sequence[float]]
    factors: Mapping[str, Mapping[str, str]]
    design: Design
    notes: Sequence[str] = ()
    looks: SequentialDesign | None = None

    def compare(self, baseline: str | None) -> Comparisons:
        """Every arm against the baseline, or all pairs, as :func:`statistics.compare`."""
        found = statistics.compare(
            self.scores,
            self.design,
            baseline=baseline,
            rope=self.study.rope,
            seed=self.study.seed,
            looks=self.looks,
            others=self.find_effect_scores(),
            missing=self._count_missing() if baseline == self.study.baseline else 0,
        )
        asked = "" if baseline == self.study.baseline else self._describe_declared()
        return replace(found, notes=(*found.notes, *self.notes, *filter(None, [asked])))

    def _describe_declared(self) -> str:
        declared = self.study.baseline
        what = f"with the baseline {declared}" if declared else "of all pairs"
        return f"The study declares comparisons {what}: these were asked for afterwards."

    def effects(self) -> Effects:
        """The effects of the factors, as :func:`statistics.factorial_effects`."""
        pairs = statistics.list_pairs(list(self.scores), self.study.baseline)
        others = [(self.scores[a], self.scores[b]) for a, b in pairs]
        found = statistics.factorial_effects(
            self.scores,
            self.factors,
            self.design,
            looks=self.looks,
            others=others,
            missing=self._count_missing(),
        )
        return replace(found, notes=(*found.notes, *self.notes))

    def _count_missing(self) -> int:
        if self.looks is None:
            return 0
        return count_tests(self.study) - count_tests(self.study, list(self.scores))

    def find_effect_scores(self) -> list[ScorePair]:
        """Those of each effect; none where there are none, or not of all arms."""
        try:
            return statistics.factor_contrasts(self.scores, self.factors)
        except StatisticsError:
            return []


def count_tests(study: Study, names: Sequence[str] | None = None) -> int:
    """How many comparisons and effects a study has, or those of its arms that are named."""
    arms = [arm for arm in study.all_arms if names is None or arm.name in names]
    baseline = study.baseline if study.baseline in {arm.name for arm in arms} else None
    rows = np.eye(len(arms))  # scores of which no two differences are the same
    scores = {arm.name: rows[i] for i, arm in enumerate(arms)}
    if len(arms) < 2:
        return 0
    found = RoundScores(
        study, scores, {arm.name: arm.factors for arm in arms}, statistics.FreshData()
    )
    pairs = [(scores[a], scores[b]) for a, b in statistics.list_pairs(list(scores), baseline)]
    return statistics.Family(statistics.FreshData(), 0.95, None, len(arms)).count(
        pairs, found.find_effect_scores()
    )
