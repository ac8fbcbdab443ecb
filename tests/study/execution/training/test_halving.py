"""Successive halving: all begin, the better ones go on, and nobody notices who has left."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

import pytest

from chainrule.study import Halving, Study, StudyResult, TrainingRecord, run
from chainrule.study.execution.job import load_study
from chainrule.study.execution.scheduling.scheduler import Scheduler
from chainrule.study.execution.training.halving import run_halving, rungs, surviving_candidates
from tests.study.small import lasting, small

SPACE = {"net.hidden": [3, 5], "optimizer.lr": [0.0003, 0.003, 0.03, 0.3]}


def halved(**changes: Any) -> Study:
    """One arm, 8 candidates in two cohorts: 8 → 4 → 2 of them go on after 1 and 2 epochs."""
    declared: dict[str, Any] = {
        "arms": {"only": {}},
        "rounds": 1,
        "epochs": 3,
        "space": SPACE,
        "search": {"method": "grid", "halving": {"min_epochs": 1, "factor": 2}},
    }
    return small(**{**declared, **changes})


def searched_rows(result: StudyResult) -> list[TrainingRecord]:
    return [row for row in lasting(result.rows) if row.stage == "search"]


def test_rungs_grow_by_the_factor_to_the_last_epoch():
    assert [*rungs(Halving(min_epochs=1, factor=3), 27)] == [1, 3, 9, 27]
    assert [*rungs(Halving(min_epochs=2, factor=2), 11)] == [2, 4, 8, 11]
    assert [*rungs(Halving(min_epochs=5, factor=4), 6)] == [5, 6]


# who goes on


def judged(*values: float, status: str = "done") -> dict[int, list[TrainingRecord]]:
    row = TrainingRecord("a", "search", 0, -1, 0, status, {}, {}, 1, 1.0, 1, 1, 1, 1, {})
    return {c: [replace(row, candidate=c, metrics={"accuracy": v})] for c, v in enumerate(values)}


@pytest.mark.parametrize(
    ("values", "factor", "better"),
    [
        ([0.1, 0.4, 0.3, 0.2], 2, {1, 2}),
        ([0.1, 0.4, 0.3, 0.2, 0.35], 2, {1, 2, 4}),  # half of five is three
        ([0.1, 0.4, 0.3], 5, {1}),
        ([0.3, 0.3, 0.3, 0.3], 2, {0, 1}),
        ([0.7], 2, {0}),
    ],
)
def test_the_better_part_goes_on(values, factor, better):
    assert surviving_candidates(halved(), judged(*values), factor) == better


def test_less_is_better_where_the_goal_says_so():
    study = halved(metric="loss", direction="min", failure_value=9.0)
    rows = {
        c: [replace(row, metrics={"loss": row.metrics["accuracy"]}) for row in of]
        for c, of in judged(0.1, 0.4, 0.3, 0.2).items()
    }
    assert surviving_candidates(study, rows, 2) == {0, 3}


def test_who_diverged_is_behind_all_others():
    rows = judged(0.5, 0.0, 0.0)
    rows[0] = [replace(rows[0][0], status="diverged")]
    assert surviving_candidates(halved(), rows, 2) == {1, 2}


def test_the_mean_over_the_splits_decides():
    first, second = judged(0.9, 0.5), judged(0.0, 0.6)
    rows = {c: first[c] + second[c] for c in first}
    assert surviving_candidates(halved(), rows, 2) == {1}


# the rows of a search


def test_each_candidate_has_a_row_a_split_up_to_its_last_rung():
    rows = searched_rows(run(halved(selection={"split": "kfold", "folds": 3})))
    assert [(row.candidate, row.fold) for row in rows] == [
        (c, f) for c in range(8) for f in (0, 1, 2)
    ]
    ends = [{(row.status, row.epochs) for row in rows if row.candidate == c} for c in range(8)]
    assert all(len(end) == 1 for end in ends)
    flat = sorted(pair for end in ends for pair in end)
    assert flat == [("done", 3)] * 2 + [("stopped", 1)] * 4 + [("stopped", 2)] * 2
    assert all(len(row.curves["train_loss"]) == row.epochs for row in rows)


CHANGES = {
    "kfold": {"selection": {"split": "kfold", "folds": 3}},
    "members": {"ensemble_size": 2},
    "schedule": {"schedule": {"name": "StepLR", "step_size": 1, "gamma": 0.5}},
    "own numbers": {"space": {**SPACE, "optimizer.weight_decay": [0.0, 0.1]}},
    "alone": {"cohort_size": 1},
}


@pytest.mark.parametrize("name", CHANGES)
def test_who_goes_on_does_not_notice_who_has_left(name):
    study = halved(**CHANGES[name])
    whole = run(study.with_overrides(search={"method": "grid", "halving": None}))
    expected = {row.key: row for row in whole.rows}
    assert {row.status for row in whole.rows} == {"done"}
    for row in searched_rows(run(study)):
        there = expected[row.key]
        assert row.setting == there.setting
        assert row.curves["train_loss"] == pytest.approx(there.curves["train_loss"][: row.epochs])
        if row.status == "done":
            assert row.metrics == pytest.approx(there.metrics)


def test_who_is_stopped_is_judged_as_after_so_many_epochs():
    stopped = [row for row in searched_rows(run(halved())) if row.epochs == 1]
    brief = run(halved(epochs=1, search={"method": "grid"}))
    expected = {row.key: row for row in brief.rows}
    assert len(stopped) == 4
    for row in stopped:
        assert row.metrics == pytest.approx(expected[row.key].metrics)


def test_all_cohorts_of_a_search_race_together():
    one, many = run(halved()), run(halved(cohort_size=2))
    for a, b in zip(searched_rows(one), searched_rows(many), strict=True):
        assert (a.key, a.status, a.epochs) == (b.key, b.status, b.epochs)


def test_who_diverges_is_named_so_and_does_not_go_on():
    space = {"optimizer.lr": [0.03, 3e38, 0.003, 0.3]}
    rows = searched_rows(run(halved(optimizer={"name": "SGD", "lr": 0.1}, space=space)))
    assert [row.status for row in rows].count("diverged") == 1
    assert rows[1].status == "diverged"
    assert rows[1].epochs == 1
    assert math.isnan(rows[1].curves["train_loss"][0])


def test_a_search_in_which_all_diverge_comes_to_an_end():
    space = {"optimizer.lr": [3e38, 2e38]}
    result = run(halved(optimizer={"name": "SGD", "lr": 0.1}, space=space))
    assert {row.status for row in result.rows} == {"diverged"}
    assert result.is_complete


def test_one_of_those_that_went_on_is_chosen():
    result = run(halved())
    (chosen,) = [c for c in result.candidates("only") if c.chosen]
    ended = {row.candidate for row in searched_rows(result) if row.status == "done"}
    assert chosen.index in ended
    assert result.arms[0].settings == [chosen.setting]


def test_shares_of_the_time_add_up_to_no_more_than_was_taken():
    start = time.perf_counter()
    rows = [row for row in run(halved()).rows if row.stage == "search"]
    taken = time.perf_counter() - start
    assert 0 < sum(row.seconds / row.cohort_size for row in rows) < taken
    shares = {
        row.epochs: row.seconds / row.cohort_size for row in rows if row.setting["net.hidden"] == 3
    }
    assert sorted(shares.values()) == [shares[epochs] for epochs in sorted(shares)]


# in a study


def test_random_candidates_are_halved_too():
    space = {"optimizer.lr": {"low": 1e-4, "high": 0.3, "log": True}}
    search = {"method": "random", "candidates": 5, "halving": {"min_epochs": 1, "factor": 3}}
    rows = searched_rows(run(halved(space=space, search=search)))
    assert sorted(row.epochs for row in rows) == [1, 1, 1, 3, 3]


def test_each_round_has_a_race_of_its_own():
    search = {"method": "grid", "each_round": True, "halving": {"min_epochs": 1, "factor": 2}}
    result = run(halved(rounds=2, search=search))
    for r in (0, 1):
        statuses = [row.status for row in searched_rows(result) if row.round == r]
        assert statuses.count("done") == 2
    assert result.is_complete


@pytest.mark.slow
def test_processes_give_the_rows_of_one():
    study = halved(arms={"a": {}, "b": {"net": "disk_net"}})
    assert lasting(run(study, jobs=2).rows) == lasting(run(study).rows)


def test_a_search_is_one_job_that_is_done_or_is_not():
    study = halved()
    arm = study.all_arms[0]
    (job,) = Scheduler(study, [arm]).take_jobs(arm)
    assert (len(job.trainings), len(job.programs)) == (8, 2)
    rows = searched_rows(run(study))
    (again,) = Scheduler(study, [arm], rows[:5]).take_jobs(arm)
    assert again.keys == job.keys
    assert {job.stage for job in Scheduler(study, [arm], rows).take_jobs(arm)} == {"final"}


def test_a_run_that_was_interrupted_ends_in_the_same_rows(tmp_path):
    study, calls = halved(rounds=2, arms={"a": {}, "b": {"net": {"hidden": 4}}}), []

    def interrupt(progress):
        calls.append(progress)
        if len(calls) == 2:
            raise KeyboardInterrupt

    first = run(study, store=tmp_path / "s.sqlite", on_progress=interrupt)
    assert first.interrupted
    second = run(study, store=tmp_path / "s.sqlite")
    assert 0 < len(first.rows) < len(second.rows)
    assert lasting(second.rows) == lasting(run(study).rows)


def test_nothing_to_halve_by_is_an_error():
    study = halved(search={"method": "grid"})
    arm = study.all_arms[0]
    job = Scheduler(study, [arm]).take_jobs(arm)[0]
    with pytest.raises(ValueError, match=r"^study small declares no halving$"):
        run_halving(*load_study(study.model_dump_json()), job)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"search": {"method": "tpe", "candidates": 8, "halving": {"min_epochs": 1}}},
            "search.halving: goes with method grid or random",
        ),
        ({"space": {"epochs": [3, 9]}}, "search.halving: decides on the epochs"),
        (
            {"arms": {"long": {}, "short": {"epochs": 1}}},
            "search.halving.min_epochs: expected less than epochs = 1",
        ),
    ],
)
def test_what_cannot_be_halved_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        halved(**changes)
