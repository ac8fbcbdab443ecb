"""A study of numbers that is given a table of classes."""

from __future__ import annotations

import pytest

from chainrule.study import Study, StudyError
from chainrule.study.spec.own_files.class_target import check_tells_numbers, tell_classes

NUMBERS = {
    "name": "mine",
    "data": {"name": "disk_points", "train": 20, "test": 20},
    "net": {"name": "disk_net"},
    "loss": {"name": "MSELoss"},
    "optimizer": {"name": "SGD", "lr": 0.1},
    "metrics": {"error": {"name": "RootMeanSquaredError"}},
    "direction": "min",
    "failure_value": 1e9,
    "rounds": 2,
    "epochs": 1,
}


ACCURACY = {"accuracy": {"name": "Accuracy"}}


def declare(**more) -> Study:
    return Study(**{**NUMBERS, **more})


def test_a_study_of_numbers_tells_classes():
    study, changes = tell_classes(declare(arms={"a": {}, "b": {"net": {"hidden": 3}}}))
    assert study.loss["name"] == "CrossEntropyLoss"
    assert study.metric_name == "accuracy"
    assert study.selection.stratify
    assert changes == ["the loss is CrossEntropyLoss, the metric accuracy"]


def test_an_arm_with_a_loss_of_numbers_is_left_out_and_its_baseline_too():
    arms = {"a": {}, "huber": {"loss": {"name": "HuberLoss"}}}
    quick = {"rounds": 1, "arms": {"huber": {}, "a": {}}}
    study, (change,) = tell_classes(declare(arms=arms, baseline="huber", quick=quick))
    assert [arm.name for arm in study.all_arms] == ["a"]
    assert study.baseline is None
    assert change.endswith("; left out, for they tell numbers: huber")


def test_a_study_of_classes_stays():
    study = declare(
        loss={"name": "CrossEntropyLoss"},
        metrics=ACCURACY,
        metric="accuracy",
        direction="max",
        failure_value=0.0,
        arms={"a": {}},
    )
    told, changes = tell_classes(study)
    assert told.loss == study.loss
    assert changes == []


def test_where_nothing_can_tell_classes_it_is_said():
    only = {"huber": {"loss": {"name": "HuberLoss"}}, "l1": {"loss": {"name": "L1Loss"}}}
    with pytest.raises(StudyError, match="all its arms tell numbers, but the target is a class"):
        tell_classes(declare(arms=only))
    factors = {
        "loss": {"huber": {"loss": {"name": "HuberLoss"}}, "l1": {"loss": {"name": "L1Loss"}}}
    }
    with pytest.raises(StudyError, match="a factor has losses of numbers"):
        tell_classes(declare(factors=factors))


def test_a_loss_of_classes_is_not_for_numbers():
    study = declare(
        loss={"name": "CrossEntropyLoss"},
        metrics=ACCURACY,
        metric="accuracy",
        direction="max",
        failure_value=0.0,
    )
    with pytest.raises(StudyError, match="CrossEntropyLoss is a loss of classes, but price is"):
        check_tells_numbers(study, "price")
    check_tells_numbers(declare(), "price")
