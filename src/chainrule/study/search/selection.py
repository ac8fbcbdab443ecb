"""Which candidate is best, judged on validation parts alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import mean

from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingRecord

__all__ = ["best_candidate", "group_by_candidate", "metric_value"]


def metric_value(study: Study, row: TrainingRecord) -> float:
    """The selecting metric of a training; the declared failure value where it diverged."""
    found = row.metrics.get(study.metric_name, math.nan)
    return found if row.status != "diverged" and math.isfinite(found) else study.failure_value


def group_by_candidate(
    rows: Sequence[TrainingRecord],
) -> dict[int, dict[int, list[TrainingRecord]]]:
    """Round → candidate → its search rows, one a split, all in order."""
    judged: dict[int, dict[int, list[TrainingRecord]]] = {}
    for row in sorted(rows, key=lambda row: (row.round, row.candidate, row.fold)):
        judged.setdefault(row.round, {}).setdefault(row.candidate, []).append(row)
    return judged


def best_candidate(study: Study, judged: Mapping[int, Sequence[TrainingRecord]]) -> int:
    """The candidate with the best mean over its splits; the first of equal ones.

    Where halving stopped some, only those that went on to the end are compared.
    """
    sign = 1 if study.direction == "max" else -1
    last = {c: rows for c, rows in judged.items() if all(r.status != "stopped" for r in rows)}
    whole = last or judged
    return max(whole, key=lambda c: (sign * mean(metric_value(study, r) for r in whole[c]), -c))
