"""Which candidate is best, judged on validation parts alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import mean

from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingRecord

__all__ = [
    "best_candidate",
    "candidate_score",
    "group_by_candidate",
    "has_failed",
    "is_finite",
    "metric_value",
]


def metric_value(study: Study, row: TrainingRecord) -> float:
    """The selecting metric of a training; the declared failure value where it has none."""
    return row.metrics[study.metric_name] if is_finite(study, row) else study.failure_value


def has_failed(rows: Sequence[TrainingRecord]) -> bool:
    """Whether an error ended any of these trainings."""
    return any(row.status == "failed" for row in rows)


def group_by_candidate(
    rows: Sequence[TrainingRecord],
) -> dict[int, dict[int, list[TrainingRecord]]]:
    """Round → candidate → its search rows, one a split, all in order."""
    judged: dict[int, dict[int, list[TrainingRecord]]] = {}
    for row in sorted(rows, key=lambda row: (row.round, row.candidate, row.fold)):
        judged.setdefault(row.round, {}).setdefault(row.candidate, []).append(row)
    return judged


def best_candidate(study: Study, judged: Mapping[int, Sequence[TrainingRecord]]) -> int:
    """The candidate with the best :func:`candidate_score`; the first of equal ones.

    Of equal ones those come last of which a training was stuck: they learned nothing.

    Where halving stopped some, only those that went on to the end are compared. One of which a
    training failed is chosen only where that is so of all.
    """
    last = {c: rows for c, rows in judged.items() if all(r.status != "stopped" for r in rows)}
    complete = last or judged
    unfailed = {c: rows for c, rows in complete.items() if not has_failed(rows)}
    whole = unfailed or complete
    return max(
        whole,
        key=lambda c: (
            candidate_score(study, whole[c]),
            -sum(row.is_stuck for row in whole[c]),
            -c,
        ),
    )


def candidate_score(study: Study, rows: Sequence[TrainingRecord]) -> tuple[int, float]:
    """What ranks a candidate, the more the better: its splits that are fine, their mean.

    So one that diverged is worse than any that did not, whatever the failure value.
    """
    sign = 1 if study.direction == "max" else -1
    values = [row.metrics[study.metric_name] for row in rows if is_finite(study, row)]
    return len(values), sign * mean(values) if values else 0.0


def is_finite(study: Study, row: TrainingRecord) -> bool:
    """Whether a training has a value of the selecting metric: it neither diverged nor failed."""
    return row.has_value and math.isfinite(row.metrics.get(study.metric_name, math.nan))
