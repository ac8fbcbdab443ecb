"""The plan of a study is what its run does."""

from __future__ import annotations

import pytest

from chainrule.study import StudyError, run
from chainrule.study.plan.build import build_plan
from chainrule.study.plan.timing import TimeModel
from tests.study.small import searched, small

KINDS = {
    "fixed": small(),
    "grid": searched(),
    "narrow cohorts": searched(cohort_size=2),
    "folds of unequal sizes": searched(selection={"split": "kfold", "folds": 7}),
    "in every round": searched(
        data={"name": "disk_points", "train": 60, "test": 30, "rounds": "resplit"},
        search={"method": "random", "candidates": 3, "each_round": True},
    ),
    "shapes": searched(
        space={"net.hidden": {"low": 2, "high": 90, "integer": True}},
        arms={"a": {}},
        search={"method": "random", "candidates": 7, "each_round": False},
    ),
    "tpe": searched(search={"method": "tpe", "candidates": 5, "batch": 2}),
    "members": small(ensemble_size=2),
    "halving": searched(
        epochs=4, search={"method": "grid", "halving": {"min_epochs": 1, "factor": 2}}
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_trains_what_was_planned(kind):
    study = KINDS[kind]
    planned, result = build_plan(study, times=False), run(study)
    rows = result.rows
    assert planned.trainings == len(rows)
    for arm in planned.arms:
        own = [row for row in rows if row.arm == arm.arm]
        search = [row for row in own if row.stage == "search"]
        assert (arm.search, arm.final) == (len(search), len(own) - len(search))
        sizes = [row.parameters for row in own]
        assert arm.parameters[0] <= min(sizes)
        assert max(sizes) <= arm.parameters[1]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "halving"])
def test_cohorts_are_as_many_and_as_wide_as_planned(kind):
    study, seen = KINDS[kind], []
    result = run(study, on_progress=lambda progress: seen.append(progress.cohorts))
    planned = build_plan(study, times=False)
    assert planned.totals()["cohorts"] == seen[-1]
    widths = [row.cohort_size for row in result.rows]
    assert min(widths) == min(arm.cohort_sizes[0] for arm in planned.arms)
    assert max(widths) == max(arm.cohort_sizes[1] for arm in planned.arms)


def test_steps_and_products_by_hand():
    (arm,) = build_plan(small(), arms="wide", times=False).arms
    # 3 rounds in a cohort, 2 epochs of 60 samples in batches of 20
    assert arm.steps == 2 * 3
    # 2-7-7-7-2: forward, dL/dx and dL/dW of 60 samples, and forward of 30 test samples
    products = 2 * 7 + 7 * 7 + 7 * 7 + 7 * 2
    assert arm.multiply_adds == pytest.approx(3 * 2 * products * (3 * 60 + 30))


def test_halving_trains_less():
    each = {"method": "grid", "each_round": True}
    whole = build_plan(searched(epochs=4, search=each), times=False).arms[0]
    halved = build_plan(KINDS["halving"], times=False).arms[0]
    assert halved.trainings == whole.trainings
    assert halved.multiply_adds < whole.multiply_adds


def test_paths_that_an_arm_sets_itself_do_nothing_in_it():
    study = searched(arms={"free": {}, "set": {"optimizer": {"lr": 0.5}}})
    free, own = build_plan(study, times=False).arms
    assert (free.candidates, free.declared, free.unused_paths) == (3, 3, ())
    assert (own.candidates, own.declared, own.unused_paths) == (1, 3, ("optimizer.lr",))
    assert own.search == 0


def test_times_are_measured_unless_not_wanted():
    planned = build_plan(small(), jobs=2)
    seconds = [arm.seconds for arm in planned.arms]
    assert all(s is not None and 0 < s < 60 for s in seconds)
    assert planned.seconds == pytest.approx(sum(s or 0 for s in seconds) / 2)
    assert build_plan(small(), times=False).seconds is None


def test_a_pace_is_a_time_a_step_and_a_time_a_product():
    class Work:
        steps, products = 30, 5000.0

    assert TimeModel(0.01, 0.001).seconds(Work()) == pytest.approx(0.3 + 5.0)


def test_unknown_arms_are_refused():
    with pytest.raises(StudyError, match="no arm matches 'x'; arms: narrow, wide"):
        build_plan(small(), arms="x")


def test_both_prices_of_the_search_are_known():
    once = build_plan(searched(), times=False)
    each = build_plan(searched(search={"method": "grid"}), times=False)
    assert once.price_searches() == each.price_searches() == {True: (24, None), False: (12, None)}
    assert (once.trainings, each.trainings) == (12, 24)


def test_times_of_both_prices_follow_from_the_search():
    plan = build_plan(searched(), jobs=2)
    prices = plan.price_searches()
    assert plan.seconds is not None
    searching = sum(arm.search_seconds or 0.0 for arm in plan.arms)
    assert prices[False][1] == plan.seconds
    assert prices[True][1] == pytest.approx(plan.seconds + 2 * searching / 2)


def test_one_search_is_no_choice_where_rounds_divide_one_data_set():
    data = {"name": "disk_points", "rounds": "resplit"}
    plan = build_plan(searched(data=data, search={"method": "grid"}), times=False)
    assert [*plan.price_searches()] == [True]
    assert build_plan(small(), times=False).price_searches() == {}
