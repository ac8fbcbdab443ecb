"""Arms that decide together: chosen on validation predictions, tested once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from chainrule.statistics import paired_t
from chainrule.study import Study, StudyError, run, select_ensembles
from chainrule.study.results.predictions.averages import OutputAverage
from tests.study.execution.training.test_train_cohort import PAIRS
from tests.study.small import SEARCH, small
from tests.study.test_own_tables import CARS

LEARNED = {"epochs": 8, "optimizer": {"name": "Adam", "lr": 0.05}, "keep": "predictions"}
EACH_ROUND = {**SEARCH, "search": {"method": "grid", "each_round": True}}


@pytest.fixture(scope="module")
def searched():
    selection = {"split": "kfold", "folds": 3}
    return run(small(**LEARNED, **EACH_ROUND, selection=selection, rounds=4))


def test_the_single_arms_are_those_of_the_table(searched):
    found = select_ensembles(searched)
    assert not found.halves
    assert [each.round for each in found.rounds] == [0, 1, 2, 3]
    for each in found.rounds:
        assert each.single == pytest.approx(searched.arm(each.single_arm).values[each.round])


def test_the_best_single_arm_is_best_on_the_validation_predictions(searched):
    for each in select_ensembles(searched).rounds:
        scores = {}
        for arm in ("narrow", "wide"):
            chosen = searched.arm(arm).rows[each.round].candidate
            kept = searched.kept.searches(arm)
            folds = [kept[each.round, chosen, f].scores["accuracy"] for f in range(3)]
            scores[arm] = np.concatenate(folds).mean()
        assert scores[each.single_arm] == max(scores.values())


def test_a_value_is_that_of_the_mean_probabilities(searched):
    for each in select_ensembles(searched).rounds:
        total, mean = sum(each.members.values()), 0.0
        for arm, count in each.members.items():
            outputs = searched.predictions(arm, each.round).outputs.astype(float)
            mean = mean + count / total * softmax(outputs, axis=1)
        targets = searched.predictions("wide", each.round).targets
        assert each.value == pytest.approx((mean.argmax(1) == targets).mean())


def test_the_gain_is_tested_over_rounds(searched):
    found = select_ensembles(searched)
    values, singles = ([getattr(e, n) for e in found.rounds] for n in ("value", "single"))
    assert found.test == paired_t(values, singles)
    assert found.as_dict()["gain"] == found.test.difference


def test_test_samples_have_no_say_in_the_choice(searched, monkeypatch):
    before = select_ensembles(searched)
    finals = searched.by_sample.predictions
    monkeypatch.setattr(
        searched.by_sample, "predictions", lambda arm: {r: spoil(p) for r, p in finals(arm).items()}
    )
    after = select_ensembles(searched)
    for a, b in zip(before.rounds, after.rounds, strict=True):
        assert (a.members, a.single_arm) == (b.members, b.single_arm)
        assert b.value == pytest.approx(1 - a.value)


def spoil(found):
    """With every target of two classes turned."""
    from dataclasses import replace

    return replace(found, targets=1 - found.targets)


def test_without_a_search_one_half_chooses_and_the_other_tests():
    result = run(small(**LEARNED, rounds=3))
    found = select_ensembles(result)
    assert found.halves
    assert {round(15 * each.value) / 15 for each in found.rounds} == {e.value for e in found.rounds}
    assert select_ensembles(result) == found


def test_of_one_round_the_gain_is_tested_over_samples():
    found = select_ensembles(run(small(**LEARNED, rounds=1)))
    assert found.test.test in ("paired t over samples", "paired t")
    assert found.test.difference == pytest.approx(found.mean - found.single_mean)


def test_copies_of_one_net_gain_nothing():
    found = select_ensembles(run(small(**LEARNED, arms={"a": {}, "b": {}})))
    assert all(each.members == {each.single_arm: 1} for each in found.rounds)
    assert found.test.difference == 0


def test_the_members_are_no_more_than_wanted(searched):
    for each in select_ensembles(searched, max_members=1).rounds:
        assert each.members == {each.single_arm: 1}


def test_pairs_are_averaged_head_by_head():
    arms = {"a": {}, "b": {"net": {"hidden": 3}}}
    found = select_ensembles(run(small(**{**PAIRS, "arms": arms}, keep="predictions")))
    assert all(0 <= each.value <= 1 for each in found.rounds)


def test_numbers_are_averaged_in_their_unit():
    arms = {"a": {}, "b": {"net": {"hidden": 5}}}
    study = Study(**{**CARS, "arms": arms, "metrics": {"rmse": "RootMeanSquaredError"}})
    result = run(study.with_overrides(keep="predictions"))
    average = OutputAverage(result.study, ["a", "b"])
    finals = {arm: result.predictions(arm, 0) for arm in arms}
    for arm in arms:
        assert -average.score(finals, {arm: 1}) == pytest.approx(result.arm(arm).values[0])
    mean = (finals["a"].outputs + finals["b"].outputs) / 2
    error = finals["a"].unit * (mean - finals["a"].targets.reshape(mean.shape))
    by_hand = np.sqrt((error**2).mean())
    assert -average.score(finals, {"a": 1, "b": 1}) == pytest.approx(by_hand)


def test_what_cannot_be_averaged_is_said():
    with pytest.raises(StudyError, match="an ensemble needs predictions of two arms"):
        select_ensembles(run(small(rounds=1)))
    losses = {"a": {}, "b": {"loss": {"name": "class_loss", "loss": "MSELoss"}}}
    mixed = run(small(keep="predictions", rounds=1, arms=losses))
    with pytest.raises(StudyError, match=r"arms a and b: outputs for different losses"):
        select_ensembles(mixed)
    with pytest.raises(StudyError, match="two arms in a round, got those of a"):
        select_ensembles(mixed, "a")
    by_loss = run(
        small(keep="predictions", rounds=1, metric="loss", direction="min", failure_value=99.0)
    )
    with pytest.raises(StudyError, match="expected a metric of single samples, got 'loss'"):
        select_ensembles(by_loss)
