"""What the kept predictions of a study say, as its tables and figures need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, final

from chainrule.recipes.errors import StudyError
from chainrule.statistics import StatisticsError

if TYPE_CHECKING:
    from chainrule.statistics import MeanInterval, VariancePart
    from chainrule.study import StudyResult
    from chainrule.study.results.predictions.by_sample import SampleComparison
    from chainrule.study.results.predictions.decisions import Decisions

__all__ = ["PredictionData"]

NO_PREDICTIONS = "no predictions are kept; a run keeps them that is told --keep predictions"


@final
class PredictionData:
    """What predictions say of a study's result, each thing computed once; they may be missing."""

    def __init__(self, result: StudyResult) -> None:
        self.result = result

    @cached_property
    def intervals(self) -> Mapping[str, MeanInterval]:
        """Arm → the interval of its mean. Raises StudyError where no arm has one, and says why."""
        found, problems = self._read_samples
        if not found:
            raise StudyError(
                problems[0] if problems else f"study {self.result.study.name}: {NO_PREDICTIONS}"
            )
        return {arm: interval for arm, (interval, _) in found.items()}

    @property
    def has_intervals(self) -> bool:
        """Whether there are predictions that tell how sure a mean is."""
        return bool(self._read_samples[0])

    @property
    def interval_problems(self) -> list[str]:
        """Why arms with predictions have no interval, a sentence each."""
        return [f"{problem}." for problem in self._read_samples[1]]

    @property
    def variance_parts(self) -> Mapping[str, Sequence[VariancePart]]:
        """Arm → what makes its mean unsure, of those of which that is known."""
        return {arm: parts for arm, (_, parts) in self._read_samples[0].items() if parts}

    @cached_property
    def _read_samples(
        self,
    ) -> tuple[dict[str, tuple[MeanInterval, Sequence[VariancePart]]], list[str]]:
        """Arm → its interval and the parts of its variance; and what stands against the others."""
        by_sample = self.result.by_sample
        found: dict[str, tuple[MeanInterval, Sequence[VariancePart]]] = {}
        problems: dict[str, None] = {}
        for arm in by_sample.arms:
            try:
                interval = by_sample.interval(arm)
            except StudyError as error:
                problems[f"{error}"] = None
                continue
            try:
                parts = by_sample.variance_parts(arm)
            except StatisticsError:  # what cannot be told apart
                parts = []
            found[arm] = interval, parts
        return found, [*problems]

    @cached_property
    def sample_comparisons(self) -> Sequence[SampleComparison]:
        """The declared comparisons for new samples, where rounds share test samples; else none."""
        by_sample = self.result.by_sample
        if len(by_sample.arms) < 2 or not by_sample.rounds_share_tests:
            return []
        try:
            return by_sample.compare()
        except (StudyError, StatisticsError):
            return []

    @cached_property
    def decisions(self) -> Mapping[str, Decisions]:
        """Arm → what its nets decided, of those with predictions that decide for a class."""
        found = {}
        for arm in self.result.by_sample.arms:
            with suppress(StudyError):
                found[arm] = self.result.by_sample.decisions(arm)
        return found

    def require_decisions(self) -> Mapping[str, Decisions]:
        """The decisions. Raises StudyError, which says why, where there are none."""
        if not self.decisions:
            arms = self.result.by_sample.arms
            if not arms:
                raise StudyError(f"study {self.result.study.name}: {NO_PREDICTIONS}")
            self.result.by_sample.decisions(arms[0])
        return self.decisions
