"""How far a run is: what a display shows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any, final

from chainrule.recipes.cost import training_cost
from chainrule.study.execution.cohorts import CohortJob
from chainrule.study.execution.scheduling.scheduler import Scheduler
from chainrule.study.spec.sections.arms import Arm

__all__ = ["Progress"]


@final
class Progress:
    """How far a run is. ``cohorts`` were trained in this run; ``running`` are being trained."""

    def __init__(self, board: Scheduler, running: Mapping[Any, CohortJob]) -> None:
        self.scheduler, self.cohorts, self._running = board, 0, running
        self._started, self._done_before = (
            time.monotonic(),
            {a.name: board.count_done(a) for a in board.arms},
        )

    @property
    def running(self) -> list[CohortJob]:
        """The cohorts under way."""
        return list(self._running.values())

    @property
    def trainings(self) -> tuple[int, int]:
        """(done, in all), those of earlier runs too."""
        arms = self.scheduler.arms
        return sum(map(self.scheduler.count_done, arms)), sum(map(self.scheduler.count_total, arms))

    @property
    def best(self) -> dict[str, float]:
        """Arm → its best validation so far."""
        found = {arm.name: self.scheduler.best_validation(arm) for arm in self.scheduler.arms}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self._started

    @property
    def seconds_left(self) -> float | None:
        """At the pace of this run so far, trainings weighed by their products; None at first."""
        done = left = 0.0
        for arm in self.scheduler.arms:
            weight, n = self._training_cost(arm), self.scheduler.count_done(arm)
            done += weight * (n - self._done_before[arm.name])
            left += weight * (self.scheduler.count_total(arm) - n)
        return self.seconds * left / done if done else None

    def job_cost(self, job: CohortJob) -> float:
        """What a cohort costs, in multiply-adds."""
        return sum(
            len(program.trainings) * training_cost(program.recipe, self._data_shape)
            for program in job.programs
        )

    def _training_cost(self, arm: Arm) -> float:
        """What a training of the arm costs, by its first candidate."""
        first = {
            path: d.choices[0] if d.choices else d.value_at(0.5) for path, d in arm.space.items()
        }
        return training_cost(arm.with_overrides(first), self._data_shape)

    @cached_property
    def _data_shape(self) -> tuple[int, ...]:
        r = min(self.scheduler.search_rounds)
        return tuple(self.scheduler.round_data.round(r)[0].inputs.shape)
