"""Has an arm reached a number, and when?"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from chainrule.report import targets_table
from chainrule.statistics import FixedSplit, nadeau_bengio
from chainrule.study import (
    Study,
    StudyError,
    StudyResult,
    compare_with_target,
    merge_stores,
    retrain_nets,
    review,
    run,
    select_ensembles,
    time_to_target,
)
from tests.report.conftest import declared, final_rows, made, without_search


@pytest.fixture
def finished():
    study = without_search()
    return StudyResult(study, final_rows(study, 8))


def test_each_arm_is_compared_with_the_target_by_the_test_of_the_design(finished):
    tests = compare_with_target(finished, 0.7)
    assert [t.arm for t in tests] == [arm.arm for arm in finished.arms]
    for t, arm in zip(tests, finished.arms, strict=True):
        expected = scipy.stats.ttest_1samp(arm.values, 0.7)
        assert (t.test.p, t.mean) == pytest.approx((expected.pvalue, arm.mean))
        assert t.test.difference == pytest.approx(arm.mean - 0.7)
        assert t.p_holm >= t.test.p


def test_without_a_target_it_is_what_was_reported_of_those_that_have_it(finished):
    [found] = compare_with_target(finished)
    assert (found.arm, found.target) == ("mlp", 0.71)


def test_over_resplits_the_standard_error_is_theirs():
    study = without_search(data={"name": "tests.report.conftest:nothing", "rounds": "resplit"})
    result = StudyResult(study, final_rows(study, 8))
    ratio = result.design.test_over_train
    for t, arm in zip(compare_with_target(result, 0.7), result.arms, strict=True):
        theirs = nadeau_bengio(arm.values, np.full(8, 0.7), test_over_train=ratio)
        assert t.test.standard_error == pytest.approx(theirs.standard_error)


def test_less_is_better_turns_the_sign(finished):
    study = finished.study.with_overrides(direction="min", failure_value=9.0)
    more, less = (
        compare_with_target(r, 0.6)[0] for r in (finished, replace(finished, study=study))
    )
    assert less.test.difference == -more.test.difference
    assert (more.conclusion, less.conclusion) == ("better", "worse")


def test_a_target_of_an_arm_that_is_not_there_is_refused(finished):
    name = finished.arms[0].arm
    with pytest.raises(StudyError, match=rf"no arm '{name}x'; did you mean '{name}'\? arms: "):
        time_to_target(finished, {f"{name}x": 0.5})


WRONG = {
    "a text for a target": (
        lambda result: compare_with_target(result, "0.7"),
        "compare_with_target: target: expected a number, got '0.7'",
    ),
    "nan for a target": (
        lambda result: time_to_target(result, math.nan),
        "time_to_target: target: expected a number or a table, got nan",
    ),
    "no members": (
        lambda result: select_ensembles(result, max_members=0),
        "max_members: expected a whole number, 1 or more, got 0",
    ),
    "no jobs": (lambda result: retrain_nets(result, "nets", jobs=0), "expected at least 1 job"),
    "a path for several": (
        lambda _: merge_stores("a.sqlite", "b.sqlite"),
        "merge_stores: stores: expected a list of texts or Paths, got 'a.sqlite'",
    ),
    "a name for a result": (
        lambda _: review("digits"),
        "review: result: expected a chainrule.study.StudyResult, got 'digits'",
    ),
    "a number for a pattern": (
        lambda result: run(result.study, arms=3),
        "run: arms: expected a text, got 3",
    ),
    "a text for yes": (
        lambda result: result.compare(all_pairs="no"),
        "compare: all_pairs: expected true or false, got 'no'",
    ),
    "no path": (lambda _: Study.load(None), "load: path: expected a text or a Path, got None"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_argument_is_named(finished, wrong):
    call, message = WRONG[wrong]
    with pytest.raises((TypeError, ValueError), match=message):
        call(finished)


def test_what_cannot_be_compared_is_said():
    study = without_search(reported={})
    with pytest.raises(StudyError, match="no arm has results and a reported value"):
        compare_with_target(StudyResult(study, final_rows(study, 8)))
    bad = made(declared().with_overrides(failure_value=0.99))
    with pytest.raises(StudyError, match=r"failure_value: a diverged round counts as 0.99"):
        compare_with_target(bad, 0.7)


def test_a_false_target_is_called_missed_in_5_of_100_studies():
    random, rejected = np.random.default_rng(0), 0
    study = without_search(reported={})
    rows = final_rows(study, 10)[:10]
    for _ in range(400):
        values = 0.7 + 0.02 * random.normal(size=10)
        found = [
            replace(row, metrics={"accuracy": v, "loss": 1.0})
            for row, v in zip(rows, values, strict=True)
        ]
        [t] = compare_with_target(StudyResult(study, found), 0.7)
        rejected += t.test.p <= 0.05
    assert 8 <= rejected <= 34  # 20 expected, ± 3 standard errors


def test_epochs_and_seconds_are_those_of_the_first_epoch_that_is_as_good(finished):
    arm = finished.arms[0]
    target = arm.rows[0].curves["test_accuracy"][2]
    found = time_to_target(finished, target)[0]
    by_hand = [
        next((e for e, v in enumerate(row.curves["test_accuracy"], 1) if v >= target), None)
        for row in arm.rows
    ]
    assert list(found.epochs) == by_hand
    assert found.epochs[0] == 3
    assert found.seconds[0] == pytest.approx(3 / 5 * arm.rows[0].seconds / 8)
    assert found.reached_rounds == sum(e is not None for e in by_hand)


def test_a_round_that_never_reached_it_counts_last(finished):
    best = max(max(row.curves["test_accuracy"]) for row in finished.arms[0].rows)
    found = time_to_target(finished, best)[0]
    assert found.reached_rounds == 1
    assert found.median_epochs is None
    assert found.as_row()["median_seconds"] is None


def test_over_one_split_it_says_so(finished):
    study = without_search(data={"name": "tests.report.conftest:nothing", "rounds": "fixed"})
    result = StudyResult(study, final_rows(study, 8))
    assert isinstance(result.design, FixedSplit)
    table = targets_table(result, compare_with_target(result, 0.7))
    assert "what other seeds give on this split" in " ".join(table.notes)
