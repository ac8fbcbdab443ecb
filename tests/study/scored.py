"""Studies that are run without a training: each has the score that a function gives it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.study import Study, TrainingRecord
from chainrule.study.execution.cohorts import CohortJob
from chainrule.study.execution.workers.package import JobResult
from tests.study.small import small
from tests.study.store.rows import row

Score = Callable[[str, int], float]
"""Of an arm in a round; nan is a training that diverged."""


class ScoringExecutor:
    """Takes the jobs of a run one by one, and hands back rows with these scores."""

    max_workers = 1

    def __init__(self, score: Score) -> None:
        self.score, self.jobs = score, []

    def submit(self, function: Any, *given: Any) -> Future[JobResult]:
        job = next(x for x in given if isinstance(x, CohortJob))
        self.jobs.append(job)
        done: Future[JobResult] = Future()
        done.set_result(JobResult([self._row(job, t) for t in job.trainings]))
        return done

    def _row(self, job: CohortJob, training: Any) -> TrainingRecord:
        score = self.score(job.arm, training.round)
        return replace(
            row(training.round, training.candidate, arm=job.arm, epochs=0),
            stage=job.stage,
            fold=training.fold,
            status="diverged" if np.isnan(score) else "done",
            setting=training.setting,
            metrics={"accuracy": score},
            cohort_size=len(job.trainings),
        )


def normal_scores(gains: dict[str, float], seed: int) -> Score:
    """Independent normal scores, whose differences have the standard deviation 0.01; ``gains`` are
    in these.
    """

    def score(arm: str, r: int) -> float:
        own = np.random.default_rng([seed, sorted(gains).index(arm), r])
        return float(0.5 + 0.01 * (gains[arm] + own.normal() / np.sqrt(2)))

    return score


def looked_at(*arms: str, rounds: Any = None, **changes: Any) -> Study:
    """A study of these arms, the first one the baseline, with looks at 5, 10 and 20 rounds.

    One fixed split, so that no samples need to be made to tell how its rounds came about.
    """
    until = {"until": "decided", "looks": [5, 10, 20]}
    data = {"name": "disk_points", "train": 40, "test": 40, "rounds": "fixed"}
    return small(
        **{
            "rounds": until if rounds is None else rounds,
            "data": data,
            "arms": {arm: {"net": {"hidden": 3 + i}} for i, arm in enumerate(arms)},
            "baseline": arms[0],
            **changes,
        }
    )
