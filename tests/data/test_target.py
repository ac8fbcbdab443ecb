"""Classes or numbers: which, and between cells, targets and answers."""

from __future__ import annotations

import json

import pytest
import torch

from chainrule.data import DataError
from chainrule.data.tabular.target import Classification, Regression, infer_kind


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["a", "b", "a"], "classification"),
        (["1", "b", "1"], "classification"),
        (["0", "1", "1", "0"], "classification"),
        (["1.0", "2", "1", "02"], "classification"),
        (["1.5", "2", "1.5", "2"], "regression"),
        (["1", "2", "3"], "regression"),
        ([str(i % 20) for i in range(60)], "classification"),
        ([str(i % 21) for i in range(60)], "regression"),
    ],
)
def test_texts_and_few_whole_numbers_that_come_again_are_classes(cells, kind):
    assert infer_kind(cells) == kind


def test_classes_are_in_an_order_that_no_row_decides():
    assert Classification.fit(["b", "a", "c"], ["c"]).classes == ("a", "b", "c")
    assert Classification.fit(["10", "9", "9.0"], ["9"]).classes == ("9", "10")


def test_classes_become_numbers_and_outputs_classes():
    task = Classification.fit(["b", "a", "c"], ["c", "b", "b"])
    assert (task.outputs, task.baseline_prediction) == (3, "b")
    assert task.encode(["c", "a"]).tolist() == [2, 0]
    assert task.decode(torch.tensor([[0.1, 3.0, 0.2], [5.0, 3.0, 0.2]])) == ["b", "a"]


def test_the_accuracy_counts_a_class_that_is_not_known_as_wrong():
    task = Classification(("1", "2"), "1")
    assert task.scores(["1", "2", "1", "2"], ["1", "2.0", "2", "77"]) == {"accuracy": 0.5}


def test_one_class_is_nothing_to_tell():
    with pytest.raises(DataError, match="two classes or more"):
        Classification.fit(["a", "a"], ["a"])


def test_numbers_are_learned_in_standard_deviations_and_told_in_their_unit():
    task = Regression.fit(["10", "14"])
    assert (task.mean, task.std, task.baseline_prediction, task.outputs) == (12, 2, 12, 1)
    z = task.encode(["10", "13"])
    assert z.tolist() == [[-1.0], [0.5]]
    assert task.decode(z) == [10, 13]


def test_errors_are_in_the_unit_of_the_target():
    scores = Regression(0.0, 5.0).scores([1.0, 2.0], ["4", "-2"])
    assert scores == pytest.approx({"rmse": (25 / 2) ** 0.5, "mae": 3.5})


def test_numbers_that_never_change_and_texts_are_refused():
    with pytest.raises(DataError, match="expected a target that varies, it is always 3"):
        Regression.fit(["3", "3.0"])
    with pytest.raises(DataError, match="expected targets that are numbers, got 'cat'"):
        Regression.fit(["3", "cat"])


@pytest.mark.parametrize("task", [Classification(("a", "b"), "a"), Regression(1.5, 0.1)])
def test_a_task_is_json(task):
    assert json.loads(json.dumps(task.as_dict()))["kind"] == task.kind
