"""How far a run is, read off its rows: for whoever looks at a store while another process runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import mean
from typing import final

from chainrule.study.execution.scheduling.scheduler import Scheduler, select_settled
from chainrule.study.results.study_result import StudyResult
from chainrule.study.store.record import Stage, TrainingRecord

__all__ = ["ArmProgress", "StoredCohort", "StoredProgress", "read_stored_progress"]


@final
@dataclass(frozen=True)
class ArmProgress:
    """Trainings done and in all; ``best``: the best validation so far, None before there is one."""

    arm: str
    done: int
    total: int
    best: float | None


@final
@dataclass(frozen=True)
class StoredCohort:
    """A cohort that was trained; ``finished``: UTC, ISO 8601, "" in old rows."""

    arm: str
    stage: Stage
    trainings: int
    seconds: float
    finished: str
    worker: str


@final
@dataclass(frozen=True)
class StoredProgress:
    """How far a study is.

    ``began``: when its last run did; ``cohorts``: all that were trained, the last one first;
    ``seconds_left`` at the pace of the last run, None where that has trained nothing yet.
    """

    arms: Sequence[ArmProgress]
    began: str
    cohorts: Sequence[StoredCohort]
    seconds_left: float | None

    @property
    def trainings(self) -> tuple[int, int]:
        """(done, in all)"""
        return sum(arm.done for arm in self.arms), sum(arm.total for arm in self.arms)


def read_stored_progress(result: StudyResult, now: datetime | None = None) -> StoredProgress:
    """How far the study is that a store has these rows of; ``now``: another time than this."""
    study, rows = result.study, select_settled(result.rows)
    scheduler = Scheduler(study, study.all_arms, rows)
    scheduler.n_rounds = result.needed_rounds
    arms = [
        ArmProgress(
            arm.name,
            scheduler.count_done(arm),
            scheduler.count_total(arm),
            scheduler.best_validation(arm),
        )
        for arm in study.all_arms
    ]
    began = str(result.runs[-1].get("time") or "") if result.runs else ""
    left = _estimate_seconds_left(arms, rows, began, now or datetime.now(UTC))
    return StoredProgress(arms, began, list_cohorts(rows), left)


def list_cohorts(rows: Sequence[TrainingRecord]) -> list[StoredCohort]:
    """The cohorts of these rows, the last one first."""
    groups: dict[tuple[str, ...], list[TrainingRecord]] = {}
    for row in rows:
        groups.setdefault((row.finished, row.worker, row.arm, row.stage), []).append(row)
    found = [
        StoredCohort(
            of[0].arm,
            of[0].stage,
            len(of),
            max(row.seconds for row in of),
            of[0].finished,
            of[0].worker,
        )
        for of in groups.values()
    ]
    return sorted(found, key=lambda cohort: cohort.finished, reverse=True)


def _estimate_seconds_left(
    arms: Sequence[ArmProgress], rows: Sequence[TrainingRecord], began: str, now: datetime
) -> float | None:
    """Trainings weighed by their amortised seconds; of an arm without any the mean of all."""
    fresh = [row for row in rows if row.finished and row.finished >= began]
    done = sum(row.seconds / row.cohort_size for row in fresh)
    if not began or not done:
        return None
    seconds: dict[str, list[float]] = {}
    for row in rows:
        seconds.setdefault(row.arm, []).append(row.seconds / row.cohort_size)
    usual = mean(x for of in seconds.values() for x in of)
    left = sum(max(0, arm.total - arm.done) * mean(seconds.get(arm.arm, [usual])) for arm in arms)
    elapsed = (now - datetime.fromisoformat(began)).total_seconds()
    return max(0.0, elapsed) * left / done
