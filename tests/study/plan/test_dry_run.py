"""What would fail is found on a few samples."""

from __future__ import annotations

import pytest

from chainrule.study import Dimension
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
        ({"data": {"name": "disk_pints"}}, "data disk_pints: data 'disk_pints' is not known"),
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
    assert problem.startswith("data pairs: selection.stratify: expected one of main, first, second")


def test_a_value_of_the_space_that_would_fail_is_found():
    (problem,) = find_problems(searched(space={"optimizer.lr": [0.01, -0.5]}))
    assert "-0.5" in problem
