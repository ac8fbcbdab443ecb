"""Cohorts whose worker was lost: given out again, up to a number of times."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import BrokenExecutor
from typing import final

from chainrule._util.words import count_noun
from chainrule.recipes.errors import StudyError
from chainrule.study.execution.cohorts import CohortJob
from chainrule.study.execution.executors import Engine

__all__ = ["LostJobs"]

MAX_RETRIES = 3
"""How often a cohort is given out again whose worker is lost."""


@final
class LostJobs:
    """How often each cohort was lost.

    ``suspects``: those that were under way when a whole pool broke; which of them it was shows when
    each is alone.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.tries: Counter[CohortJob] = Counter()
        self.suspects: set[CohortJob] = set()

    def add(self, job: CohortJob, error: BaseException) -> None:
        """A cohort was lost. Raises StudyError where it is not to be given out again."""
        self.engine.check()
        self.tries[job] += 1
        broken = isinstance(error, BrokenExecutor)
        if broken:
            self.suspects.add(job)
        given_up = isinstance(error, self.engine.given_up)
        if self.tries[job] > MAX_RETRIES or given_up:
            n, what = len(job.trainings), "a worker died" if broken else "a worker was lost"
            times = "several" if given_up else self.tries[job]
            words = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": ")
            raise StudyError(
                f"arm {job.arm}: {what} {times} times over a cohort of "
                f"{count_noun(n, 'training')}; too little memory? say --cohort-size, or fewer "
                f"--jobs\n  {words}"
            ) from None
