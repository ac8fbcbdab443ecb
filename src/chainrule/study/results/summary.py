"""What is said of a study in a list of many."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from chainrule.study.results.study_result import StudyResult
from chainrule.study.store import StudyRecord

__all__ = ["StudySummary", "last_run_time", "order_by_last_run", "summarize_study"]


@final
@dataclass(frozen=True)
class StudySummary:
    """A study of a store; of ``arms`` and ``rounds`` (done, declared). ``last_run``: ISO 8601."""

    number: int
    name: str
    is_complete: bool
    last_run: str
    runs: int
    arms: tuple[int, int]
    rounds: tuple[int, int]
    trainings: int


def summarize_study(result: StudyResult, record: StudyRecord) -> StudySummary:
    """What is said of it."""
    done = {arm.arm: arm.n for arm in result.arms}
    names, needed = [arm.name for arm in result.study.all_arms], result.needed_rounds
    return StudySummary(
        number=record.id,
        name=record.name,
        is_complete=result.is_complete,
        last_run=last_run_time(record),
        runs=len(record.runs),
        arms=(sum(n >= needed for n in done.values()), len(names)),
        rounds=(min(done.get(name, 0) for name in names), needed),
        trainings=record.trainings,
    )


def last_run_time(record: StudyRecord) -> str:
    """When a study was run last."""
    return str(record.runs[-1].get("time", record.created))


def order_by_last_run(records: Iterable[StudyRecord]) -> list[StudyRecord]:
    """The study that was run last at the end; of two at once the newer one."""
    return sorted(records, key=lambda record: (last_run_time(record), record.id))
