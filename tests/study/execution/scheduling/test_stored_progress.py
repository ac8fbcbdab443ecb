"""How far a run is, as its rows tell it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chainrule.study import run
from chainrule.study.execution.scheduling.stored_progress import read_stored_progress
from tests.study.small import searched

BEGAN = datetime(2026, 5, 4, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def complete():
    result = run(searched())
    finished = (BEGAN + timedelta(seconds=6)).isoformat()
    rows = [replace(row, seconds=6.0, cohort_size=3, finished=finished) for row in result.rows]
    return replace(result, rows=rows, runs=[{"time": BEGAN.isoformat()}])


def halfway(complete):
    """The searches are done, 6 of 12 trainings, at 2 s each."""
    return replace(complete, rows=[row for row in complete.rows if row.stage == "search"])


def test_it_counts_what_is_done_of_all(complete):
    progress = read_stored_progress(halfway(complete))
    assert progress.trainings == (6, 12)
    assert [(arm.arm, arm.done, arm.total) for arm in progress.arms] == [
        ("narrow", 3, 6),
        ("wide", 3, 6),
    ]
    assert read_stored_progress(complete).trainings == (12, 12)


def test_the_best_so_far_is_that_of_the_candidates(complete):
    (narrow, _) = read_stored_progress(halfway(complete)).arms
    assert narrow.best == max(c.mean for c in complete.candidates("narrow"))


def test_the_time_left_goes_by_the_pace_of_the_run(complete):
    """12 s of trainings took 10 s, and as many are left."""
    now = BEGAN + timedelta(seconds=10)
    assert read_stored_progress(halfway(complete), now).seconds_left == pytest.approx(10)
    assert read_stored_progress(complete, now).seconds_left == 0


@pytest.mark.parametrize("run_began", ["", (BEGAN + timedelta(hours=1)).isoformat()])
def test_of_a_run_that_has_trained_nothing_yet_it_is_not_known(complete, run_began):
    again = replace(halfway(complete), runs=[{"time": run_began}])
    assert read_stored_progress(again).seconds_left is None


def test_rows_of_one_cohort_are_one_cohort_the_last_one_first(complete):
    later = (BEGAN + timedelta(seconds=9)).isoformat()
    rows = [replace(r, finished=later if r.arm == "wide" else r.finished) for r in complete.rows]
    cohorts = read_stored_progress(replace(complete, rows=rows)).cohorts
    assert [(c.arm, c.stage, c.trainings) for c in cohorts][:2] == [
        ("wide", "final", 3),
        ("wide", "search", 3),
    ]
    assert sum(c.trainings for c in cohorts) == 12
