"""Trainings that are finite and have learned nothing."""

from __future__ import annotations

import math

import pytest
import torch

from chainrule import nn
from chainrule.compiled.toolchain import compiler
from chainrule.data import Dataset
from chainrule.report import results_table
from chainrule.report.html.page import render_page
from chainrule.study import run
from chainrule.study.execution.training.stuck import has_fallen, trivial_loss
from tests.study.small import small

COMPILED = pytest.mark.skipif(compiler() is None, reason="there is no C++ compiler")
TANH = {"net": {"name": "plane_net", "hidden": 8, "activation": "Tanh"}, "epochs": 6}


def rates(*values: float, **changes):
    """An arm a learning rate."""
    arms = {f"lr{value:g}": {"optimizer": {"lr": value}} for value in values}
    return small(**{**TANH, "arms": arms, **changes})


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
@pytest.mark.parametrize(
    "trainer", [None, pytest.param({"name": "Trainer", "compile": True}, marks=COMPILED)]
)
def test_a_rate_of_1e30_is_stuck_and_a_good_one_is_not(optimizer, trainer):
    study = rates(1e30, 0.03, optimizer={"name": optimizer}, trainer=trainer)
    high, good = run(study).arms
    assert all(row.status == "done" and row.is_stuck for row in high.rows)
    assert high.rows[0].note.startswith("stuck: its loss ended at ")
    assert "e+" in high.rows[0].note
    assert [row.note for row in good.rows] == ["", "", ""]


def test_a_rate_that_moves_nothing_is_stuck_where_it_is_worse_than_a_constant():
    (low,) = run(rates(1e-12)).arms
    assert all(row.is_stuck for row in low.rows)


@pytest.mark.parametrize("loss", ["MSELoss", "L1Loss", "HuberLoss"])
def test_of_numbers_too(loss):
    study = rates(
        1e15,
        0.01,
        data={"name": "tests.study.execution.training.test_stuck:numbers"},
        net={"name": "plane_net", "hidden": 8, "activation": "Tanh", "outputs": 1},
        loss=loss,
        metrics={},
        metric="loss",
        direction="min",
        failure_value=1e40,
    )
    high, good = run(study).arms
    assert all(row.is_stuck for row in high.rows)
    assert not any(row.is_stuck for row in good.rows)


def numbers(seed: int) -> tuple[Dataset, Dataset]:
    """A straight line."""
    x = torch.rand(80, 2, generator=torch.Generator().manual_seed(seed % 2**31))
    data = Dataset(x, x.sum(1, keepdim=True))
    return data.subset(torch.arange(50)), data.subset(torch.arange(50, 80))


def test_of_equal_candidates_one_that_moved_is_chosen():
    study = rates(
        0.0,
        arms={"a": {}},
        optimizer="SGD",
        space={"optimizer.lr": [1e30, 0.01]},
        search={"method": "grid"},
        metrics={"same": "tests.study.execution.training.test_stuck:Same"},
    )
    result = run(study)
    assert {row.setting["optimizer.lr"] for row in result.arms[0].rows} == {0.01}


class Same:
    """A metric that is the same for all."""

    def __call__(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return torch.ones(target.shape)


def test_the_table_and_the_page_say_so():
    result = run(rates(1e30, 0.03))
    said = "Arm lr1e+30 learned nothing in 3 of 3 rounds: stuck: its loss ended at"
    assert said in " ".join(results_table(result).footnotes())
    page = render_page(result)
    assert '<section id="sec-stuck">' in page
    assert "Trainings that were stuck: 3 of 6." in page
    assert '<section id="sec-stuck">' not in render_page(run(rates(0.03)))


# what it rests on


def test_the_best_constant_of_classes_has_the_entropy_of_their_shares():
    targets = torch.tensor([0, 0, 0, 2])
    data = Dataset(torch.zeros(4, 1), targets)
    found = trivial_loss(nn.CrossEntropyLoss(), data, torch.zeros(4, 3), 0)
    shares = torch.tensor([0.75, 0.25], dtype=torch.float64)
    assert found == pytest.approx(float(-(shares * shares.log()).sum()), rel=1e-5)


def test_the_best_constant_of_numbers_is_their_mean_or_median():
    data = Dataset(torch.zeros(3, 1), torch.tensor([[1.0], [2.0], [9.0]]))
    assert trivial_loss(nn.MSELoss(), data, torch.zeros(3, 1), 0) == pytest.approx(38 / 3)
    assert trivial_loss(nn.L1Loss(), data, torch.zeros(3, 1), 0) == pytest.approx(8 / 3)


def test_the_best_constant_of_heads_is_the_weighted_sum_of_theirs():
    classes, numbers = torch.tensor([0, 0, 2]), torch.tensor([[1.0], [2.0], [9.0]])
    losses = {"a": nn.CrossEntropyLoss(), "b": nn.MSELoss(), "c": nn.MSELoss()}
    data = Dataset(torch.zeros(3, 1), {"a": classes, "b": numbers, "c": numbers})
    outputs = {"a": torch.zeros(3, 4), "b": torch.zeros(3, 1), "c": torch.zeros(3, 1)}
    weights = {"a": 2.0, "b": 0.5, "c": 0.0}
    shares = torch.tensor([2 / 3, 1 / 3])
    expected = 2 * float(-(shares * shares.log()).sum()) + 0.5 * 38 / 3
    found = trivial_loss(nn.MultiLoss(losses, weights), data, outputs, 0)
    assert found == pytest.approx(expected, rel=1e-5)


def test_the_best_normal_distribution_has_the_mean_and_variance_of_the_targets():
    data = Dataset(torch.zeros(3, 1), torch.tensor([[1.0], [2.0], [9.0]]))
    outputs = {"mean": torch.zeros(3, 1), "var": torch.ones(3, 1)}
    found = trivial_loss(nn.GaussianNLLLoss(), data, outputs, 0)
    assert found == pytest.approx((math.log(38 / 3) + 1) / 2)


def test_outputs_that_no_loss_has_are_not_judged():
    data = Dataset(torch.zeros(3, 1), torch.zeros(3, 1))
    assert trivial_loss(nn.MSELoss(), data, {"a": torch.zeros(3, 1)}, 0) == float("inf")
    other = nn.MultiLoss({"a": nn.MSELoss()})
    assert trivial_loss(other, data, torch.zeros(3, 1), 0) == float("inf")


def heads(seed: int) -> tuple[Dataset, Dataset]:
    """Numbers, and whether they are large."""
    x = torch.rand(80, 2, generator=torch.Generator().manual_seed(seed % 2**31))
    y = x.sum(1, keepdim=True)
    data = Dataset(x, {"sum": y, "large": (y[:, 0] > 1).long()})
    return data.subset(torch.arange(50)), data.subset(torch.arange(50, 80))


def two_heads() -> nn.Module:
    body = (nn.Linear(2, 8), nn.Tanh())
    return nn.Sequential(*body, nn.Heads(sum=nn.Linear(8, 1), large=nn.Linear(8, 2)))


def two_losses() -> nn.MultiLoss:
    return nn.MultiLoss({"sum": nn.MSELoss(), "large": nn.CrossEntropyLoss()})


def test_of_several_heads_too():
    here = "tests.study.execution.training.test_stuck"
    study = rates(
        1e15,
        0.03,
        data={"name": f"{here}:heads"},
        net={"name": f"{here}:two_heads"},
        loss=f"{here}:two_losses",
        metrics={"accuracy": {"name": "Accuracy", "head": "large"}},
    )
    high, good = run(study).arms
    assert all(row.is_stuck for row in high.rows)
    assert not any(row.is_stuck for row in good.rows)


def test_a_loss_falls_by_a_thousandth_from_one_half_to_the_other():
    assert has_fallen(torch.tensor([1.0]))
    assert has_fallen(torch.tensor([1.0, 0.99]))
    assert not has_fallen(torch.tensor([1.0, 0.9999]))
    assert not has_fallen(torch.tensor([1.0, 2.0, 1.5]))
