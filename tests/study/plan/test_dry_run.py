"""What would fail is found on a few samples."""

from __future__ import annotations

import pytest

from chainrule.study import Dimension, StudyError, run
from chainrule.study.plan.dry_run import covering_settings, find_problems
from tests.study.small import searched, small


@pytest.mark.parametrize("study", [small(), searched(), small(ensemble_size=2)])
def test_nothing_is_wrong_with_a_right_study(study):
    assert find_problems(study) == []


def test_each_value_is_tried_and_each_end_of_a_range():
    space = {
        "a": Dimension(values=("x", "y", "z")),
        "b": Dimension(low=0.5, high=2.0, log=True),
    }
    tried = covering_settings(space)
    assert [s["a"] for s in tried] == ["x", "y", "z"]
    assert tried[0]["b"] == 0.5
    assert tried[1]["b"] == pytest.approx(2.0)
    assert covering_settings({}) == [{}]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"net": {"name": "disk_net", "hiden": 3}}, "arm narrow: net disk_net(hiden=3"),
        ({"arms": {"good": {}, "bad": {"net": {"hidden": -3}}}}, "arm bad: "),
        ({"loss": "NLLLos"}, "arms narrow, wide: loss 'NLLLos' is not known"),
        ({"arms": {"only": {"net": "pair_mlp"}}}, "arm only: "),
        ({"metrics": {"accuracy": {"name": "Accuracy", "head": "main"}}}, "arms narrow, wide: "),
        ({"data": {"name": "disk_pints"}}, "data 'disk_pints' is not known"),
        (
            {"net": {"name": "disk_net", "hidden": 0}},
            "arm narrow: net disk_net(hidden=0): 0.weight",
        ),
        ({"schedule": {"name": "StepLR"}}, "arms narrow, wide: schedule StepLR()"),
    ],
)
def test_what_would_fail_is_named_with_its_arms(changes, said):
    assert find_problems(small(**changes))[0].startswith(said)


def test_a_target_to_stratify_by_that_is_not_there_is_a_problem_of_the_data():
    (problem,) = find_problems(
        searched(
            data={"name": "pairs", "train": 40, "test": 20},
            selection={"stratify": "digit"},
        )
    )
    assert problem.startswith("selection.stratify: expected one of main, first, second")


def test_a_value_of_the_space_that_would_fail_is_found():
    (problem,) = find_problems(searched(space={"optimizer.lr": [0.01, -0.5]}))
    assert "-0.5" in problem


IN_FOLDS = {"data": {"name": "disk_points", "train": 60, "test": 31, "rounds": "folds", "folds": 3}}
"""91 samples: rounds learn from 60, 61 and 61."""

NORMED = {"norm": {"net": "tests.study.small:normed"}, "plain": {}}


@pytest.mark.parametrize(
    ("changes", "n"),
    [
        ({"data": {"name": "disk_points", "train": 61, "test": 30}}, 61),
        ({"batch_size": 59}, 60),
        (IN_FOLDS, 61),
        ({"quick": {"batch_size": 59}}, 60),
    ],
    ids=["last batch", "batch size", "one fold of several", "quick form"],
)
def test_a_last_batch_that_no_few_samples_have_is_found(changes, n):
    (problem,) = find_problems(small(arms=NORMED, **changes))
    assert "arm norm: " in problem
    assert f"{n} samples with batch_size=" in problem
    assert problem.startswith("quick form: ") == ("quick" in changes)


def test_a_last_batch_of_a_fold_of_the_search_is_found():
    data = {"name": "disk_points", "train": 60, "test": 30}
    kfold = {"split": "kfold", "folds": 3}
    (problem,) = find_problems(searched(arms=NORMED, data=data, selection=kfold, batch_size=39))
    assert problem.startswith("arm norm: 40 samples with batch_size=39")


@pytest.mark.parametrize("device", ["gpu", "GPU:0", "tpu", "cuda:99", "meta", ""])
def test_a_device_that_is_not_there_is_refused_by_the_dry_run_and_by_the_run(device):
    (problem,) = find_problems(small(device=device))
    assert problem.startswith("device: expected cpu")
    assert f"got {device!r}" in problem
    with pytest.raises(StudyError, match="device: expected cpu"):
        run(small(device=device))


def test_an_error_in_the_users_own_code_comes_with_its_line():
    (problem,) = find_problems(small(arms={"a": {"net": "tests.study.small:fragile"}}))
    message, line = problem.split("\n")
    assert message == "arm a: ZeroDivisionError: user code"
    assert line.endswith('in forward: raise ZeroDivisionError("user code")')
