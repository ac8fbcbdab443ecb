"""How far a run is: what a display shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeAlias, final

from chainrule._util.live_line import LiveLine, find_screen
from chainrule.data.resampled import input_shape
from chainrule.recipes.cost import training_cost
from chainrule.study.execution.cohorts import CohortJob
from chainrule.study.execution.scheduling.scheduler import Scheduler
from chainrule.study.spec.sections.arms import Arm

__all__ = ["Progress", "ProgressCallback", "progress_line"]


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
        return input_shape(self.scheduler.round_data.raw_round(r)[0])


ProgressCallback: TypeAlias = Callable[[Progress], None]


@contextmanager
def progress_line(on_progress: ProgressCallback | None) -> Iterator[ProgressCallback]:
    """What is called as a run goes on: a callback of one's own, or a line where somebody looks."""
    if on_progress is not None:
        yield on_progress
        return
    screen = find_screen()
    if screen is None:
        yield lambda _: None
        return
    line = LiveLine(screen)

    def show(progress: Progress) -> None:
        line.update(format_progress(progress))

    try:
        yield show
    finally:
        line.close()


def format_progress(progress: Progress) -> str:
    """``pairs: 412 of 960 trainings, about 52 s left``"""
    done, total = progress.trainings
    text = f"{progress.scheduler.study.name}: {done:,} of {total:,} trainings"
    left = progress.seconds_left
    return text if left is None or done == total else f"{text}, about {left:.0f} s left"
