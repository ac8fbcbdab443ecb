"""Racing: candidates are judged split by split, and those that fall behind are judged no more.

Maron and Moore, Hoeffding races, 1994; Birattari et al., A racing algorithm for configuring
metaheuristics, 2002.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from chainrule import statistics
from chainrule.study.search import selection
from chainrule.study.spec.sections import Race
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingRecord

__all__ = ["count_race_trainings", "plan_splits", "race_heat"]

Judged = Mapping[int, Sequence[TrainingRecord]]
"""Candidate → its rows, one a split."""


def plan_splits(study: Study, judged: Judged, n: int) -> tuple[list[int], bool]:
    """How many splits each of n candidates is to be judged on, as far as is known; whether all is.

    All of them, or with a race as many as it takes until only one is left: what is decided follows
    from the rows of earlier splits alone.
    """
    race, splits = study.search.race, study.selection.splits
    known = [{row.fold: row for row in judged.get(c, ())} for c in range(n)]
    if race is None:
        return [splits] * n, all(len(rows) == splits for rows in known)
    needed, running = [min(race.min_splits, splits)] * n, list(range(n))
    for done in range(needed[0], splits + 1):
        if any(f not in known[c] for c in running for f in range(done)):
            return needed, False
        rows = {c: [known[c][f] for f in range(done)] for c in running}
        running = select_runners(study, race, rows)
        if len(running) < 2 or done == splits:
            break
        for c in running:
            needed[c] = done + 1
    return needed, True


def select_runners(study: Study, race: Race, judged: Judged) -> list[int]:
    """The candidates that go on; one whose training diverged or failed counts as the worst."""
    sign = 1.0 if study.direction == "max" else -1.0
    finite = [
        sign * row.metrics[study.metric_name]
        for rows in judged.values()
        for row in rows
        if selection.is_finite(study, row)
    ]
    worst = min(finite, default=0.0) - 1.0
    scores = {
        str(c): [
            sign * row.metrics[study.metric_name] if selection.is_finite(study, row) else worst
            for row in rows
        ]
        for c, rows in judged.items()
    }
    points = {c: selection.candidate_score(study, rows) for c, rows in judged.items()}
    best = max(points, key=lambda c: (points[c], -c))
    left = statistics.race_survivors(scores, str(best), alpha=race.alpha)
    # One whose mean is as good stays, whatever its ranks: the mean selects.
    return [c for c in judged if str(c) in left or points[c] >= points[best]]


def race_heat(study: Study, fold: int) -> int:
    """Splits that are trained together: the first ones, then each by itself; 0 without a race."""
    race = study.search.race
    return 0 if race is None else max(0, fold + 1 - race.min_splits)


def count_race_trainings(study: Study, n: int) -> int:
    """About how many trainings a search of n candidates takes: half of those left go on each time.

    All of them without a race.
    """
    race, splits = study.search.race, study.selection.splits
    if race is None:
        return n * splits
    total, left = n * min(race.min_splits, splits), n
    for _ in range(race.min_splits, splits):
        left = math.ceil(left / 2)
        if left < 2:
            break
        total += left
    return total
