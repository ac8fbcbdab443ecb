"""Which candidate is best."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from chainrule.study.execution.training.halving import surviving_candidates
from chainrule.study.search import selection
from tests.study.small import searched
from tests.study.store.rows import row

MAX = searched()
MIN = searched(metric="loss", direction="min", failure_value=9.0)


def judged(*scores, metric="accuracy"):
    """Candidate → its rows, of one list of scores each; None diverged."""
    return {
        c: [
            replace(
                row(0, c),
                stage="search",
                fold=f,
                status="diverged" if score is None else "done",
                metrics={metric: math.nan if score is None else score},
            )
            for f, score in enumerate(of)
        ]
        for c, of in enumerate(scores)
    }


def test_the_largest_mean_is_best():
    assert selection.best_candidate(MAX, judged([0.5, 0.7], [0.9, 0.2], [0.6, 0.7])) == 2


def test_of_equal_ones_the_first():
    assert selection.best_candidate(MAX, judged([0.5], [0.7], [0.7])) == 1
    assert selection.best_candidate(MIN, judged([0.5], [0.2], [0.2], metric="loss")) == 1


def test_a_loss_is_best_when_it_is_small():
    assert selection.best_candidate(MIN, judged([0.5], [0.3], [0.4], metric="loss")) == 1


@pytest.mark.parametrize("study", [MAX, MIN], ids=["max", "min"])
def test_a_split_that_diverged_counts_as_the_worst(study):
    name = study.metric_name
    assert selection.best_candidate(study, judged([0.4, 0.4], [0.6, None], metric=name)) == 0
    assert selection.metric_value(study, judged([None], metric=name)[0][0]) == study.failure_value


def test_a_metric_that_is_not_finite_counts_as_the_worst_too():
    assert selection.metric_value(MIN, judged([math.inf], metric="loss")[0][0]) == 9.0


def test_where_all_diverged_it_is_the_first():
    assert selection.best_candidate(MAX, judged([None], [None])) == 0


@pytest.mark.parametrize("value", [-1e9, 0.0, 0.5, 1.0, 1e9])
@pytest.mark.parametrize("direction", ["max", "min"])
def test_a_candidate_that_diverged_never_beats_a_finite_one(direction, value):
    study = searched(metric="loss", direction="min", failure_value=9.0)
    study = study.model_copy(update={"direction": direction, "failure_value": value})
    rows = judged([None, None], [0.9, None], [0.3, 0.4], [0.2, 0.2], metric="loss")
    assert selection.best_candidate(study, rows) == (2 if direction == "max" else 3)
    assert surviving_candidates(study, rows, 2) == {2, 3}


def test_who_was_stopped_is_not_compared_with_who_went_on():
    rows = judged([0.9], [0.4])
    rows[0] = [replace(rows[0][0], status="stopped")]
    assert selection.best_candidate(MAX, rows) == 1


def test_rows_are_sorted_by_round_candidate_and_split():
    rows = [replace(row(r, c), fold=f) for r in (1, 0) for c in (1, 0) for f in (1, 0)]
    found = selection.group_by_candidate(rows)
    assert list(found) == [0, 1]
    assert list(found[1]) == [0, 1]
    assert [one.fold for one in found[1][0]] == [0, 1]
