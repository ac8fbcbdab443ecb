"""A study's result as its tables and figures need it: what they share is computed once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from statistics import mean
from typing import TYPE_CHECKING, Literal, final

from chainrule import statistics
from chainrule._util.suggest import did_you_mean
from chainrule.report.numbers import PERCENT, Unit, fit_unit, metric_unit
from chainrule.report.prediction_data import PredictionData

if TYPE_CHECKING:
    from chainrule.statistics import Comparisons, Effects
    from chainrule.study import Review, Study, StudyResult
    from chainrule.study.results.arm_result import ArmResult, Candidate
    from chainrule.study.store.record import Value

__all__ = ["CandidateSummary", "ReportData", "varied_paths"]


@final
@dataclass(frozen=True)
class CandidateSummary:
    """A setting over all searches that tried it: one, or one a round.

    ``values`` are the selecting metric on every split; ``chosen`` counts the searches that chose
    it, of ``searches`` in all.
    """

    setting: Mapping[str, Value]
    values: Sequence[float]
    n_ok: int
    chosen: int
    searches: int

    @property
    def mean(self) -> float:
        """The mean over splits and searches."""
        return mean(self.values)


@final
class ReportData:
    """A study's result, and what its tables and figures share.

    Every table and figure takes a ``StudyResult`` or a ``ReportData``; who makes several of one
    result hands them the same ``ReportData``, which computes each thing once.
    """

    def __init__(self, result: StudyResult) -> None:
        self.result = result

    @classmethod
    def wrap(cls, result: StudyResult | ReportData) -> ReportData:
        """The result with what is shared; one that has it already is handed back."""
        return result if isinstance(result, cls) else cls(result)

    @property
    def study(self) -> Study:
        """What was declared."""
        return self.result.study

    @property
    def arms(self) -> list[ArmResult]:
        """The arms that have results, in the declared order."""
        return self.result.arms

    @property
    def search_scope(self) -> str:
        """That all is about the settings which one search found; empty where it is about arms."""
        from chainrule.study.search.scope import describe_search_scope

        return describe_search_scope(self.study)

    @property
    def later_changes(self) -> list[str]:
        """Sentences: what was declared differently when the study began."""
        from chainrule.study.results.later_changes import describe_later_changes

        return describe_later_changes(self.result.runs)

    @property
    def higher_is_better(self) -> bool:
        """Whether more of the study's metric is better."""
        return self.study.direction == "max"

    @property
    def best_end(self) -> Literal["low", "high"]:
        """Which end of the study's metric is the better one."""
        return "high" if self.higher_is_better else "low"

    @cached_property
    def unit(self) -> Unit:
        """Per cent for a share; else the metric's own unit, to two digits of the spread."""
        if (unit := metric_unit(self.study.metric_name, self.study)) is PERCENT:
            return unit
        spreads = [arm.std for arm in self.arms if arm.std > 0]
        return fit_unit(spreads, [abs(arm.mean) for arm in self.arms if arm.mean])

    @cached_property
    def ranked_arms(self) -> list[ArmResult]:
        """The arms by their mean over the rounds that all have, the best first; ties as declared.

        Empty where no round is done by all of them.
        """
        sign = -1 if self.higher_is_better else 1
        arms = [arm for arm in self.result.common_arms if arm.n]
        return sorted(arms, key=lambda arm: sign * arm.mean)

    @cached_property
    def comparisons(self) -> Comparisons:
        """The declared comparisons. Raises StatisticsError where there is too little to compare."""
        return self.result.comparisons

    @cached_property
    def review(self) -> Review:
        """What the rules of a review find."""
        from chainrule.study import review

        return review(self.result)

    @cached_property
    def effects(self) -> Effects:
        """The effects of the factors. Raises StatisticsError where there is too little for them."""
        return self.result.effects()

    @cached_property
    def candidates(self) -> Mapping[str, Sequence[CandidateSummary]]:
        """Arm → the settings that its search tried, each once, in the order in which they came."""
        names = [arm.name for arm in self.study.all_arms]
        return {name: _summarize_candidates(self.result.candidates(name)) for name in names}

    @cached_property
    def importances(self) -> Mapping[str, Mapping[str, float]]:
        """Arm → path → importance, of the arms whose search varied two paths or more."""
        from chainrule.study.search.importance import setting_importances

        found = {}
        for arm in self.study.all_arms:
            candidates = [c for c in self.candidates[arm.name] if math.isfinite(c.mean)]
            if len(varied_paths(candidates)) > 1:
                pairs = [(c.setting, c.mean) for c in candidates]
                found[arm.name] = setting_importances(
                    arm.space, pairs, maximize=self.higher_is_better
                )
        return found

    @cached_property
    def expected_bests(self) -> Mapping[str, Sequence[statistics.ExpectedBest]]:
        """Arm → what the best of 1, 2, … of its random candidates is expected to validate at.

        See :func:`chainrule.statistics.expected_best`; of several searches the mean, and the root
        of the mean variance. Empty where candidates are not drawn at random.
        """
        sign, found = 1.0 if self.higher_is_better else -1.0, {}
        for arm in self.study.all_arms if self.study.search.method == "random" else ():
            searches: dict[int, list[float]] = {}
            for candidate in self.result.candidates(arm.name):
                searches.setdefault(candidate.round, []).append(sign * candidate.mean)
            if searches:
                found[arm.name] = _average_bests(list(searches.values()), sign)
        return found

    @cached_property
    def prediction_data(self) -> PredictionData:
        """What its kept predictions say."""
        return PredictionData(self.result)

    def select_arms(self, pattern: str) -> list[ArmResult]:
        """The arms that have results and whose names match. Raises ValueError where none does."""
        found = [arm for arm in self.arms if fnmatchcase(arm.arm, pattern)]
        if not found:
            names = [arm.arm for arm in self.arms]
            raise ValueError(
                f"study {self.study.name}: no results of an arm {pattern!r}; "
                f"{did_you_mean(pattern, names)}there are: {', '.join(names) or 'none yet'}"
            )
        return found


def _average_bests(
    searches: Sequence[Sequence[float]], sign: float
) -> list[statistics.ExpectedBest]:
    found = []
    for n in range(1, min(map(len, searches)) + 1):
        bests = [statistics.expected_best(values, n) for values in searches]
        std = math.sqrt(mean(best.std**2 for best in bests))
        found.append(statistics.ExpectedBest(n, sign * mean(best.mean for best in bests), std))
    return found


def _summarize_candidates(candidates: Sequence[Candidate]) -> list[CandidateSummary]:
    searches = len({candidate.round for candidate in candidates})
    groups: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(repr(sorted(candidate.setting.items())), []).append(candidate)
    return [
        CandidateSummary(
            setting=group[0].setting,
            values=[value for candidate in group for value in candidate.values],
            n_ok=sum(candidate.n_ok for candidate in group),
            chosen=sum(candidate.chosen for candidate in group),
            searches=searches,
        )
        for group in groups.values()
    ]


def varied_paths(candidates: Sequence[CandidateSummary]) -> list[str]:
    """The paths that were searched: those with more than one value."""
    paths = dict.fromkeys(path for candidate in candidates for path in candidate.setting)
    return [p for p in paths if len({repr(c.setting.get(p)) for c in candidates}) > 1]
