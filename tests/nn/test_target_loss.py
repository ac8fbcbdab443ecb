"""TargetLoss: a loss of one of several targets."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn
from chainrule.nn import LayerError
from chainrule.nn.inspect.gradcheck import gradcheck
from chainrule.zoo import target_loss

Y = torch.rand(4, 3, dtype=torch.float64)
TARGETS = {"clean": torch.rand(4, 3, dtype=torch.float64), "noisy": torch.randn(4, 3).double()}


@pytest.mark.parametrize("name", TARGETS)
def test_it_is_the_loss_of_the_target_that_it_names(name):
    ours, plain = target_loss(name), nn.MSELoss()
    assert ours(Y, TARGETS) == plain(Y, TARGETS[name])
    assert torch.equal(ours.backward(), plain.backward())
    assert repr(ours) == f"TargetLoss(MSELoss(), '{name}')"


def test_gradients_agree_with_finite_differences():
    report = gradcheck(nn.TargetLoss(nn.HuberLoss(), "noisy"), Y, TARGETS)
    assert report, report


def test_a_cohort_has_the_loss_of_each_replica():
    cohort = nn.TargetLoss(nn.L1Loss(), "clean").replicate(2)
    y = torch.stack([Y, Y + 1])
    values = cohort(y, {name: t[None] for name, t in TARGETS.items()})
    alone = nn.L1Loss()
    assert values.tolist() == [alone(part, TARGETS["clean"]).item() for part in y]
    assert cohort.replica(1)(Y, TARGETS) == alone(Y, TARGETS["clean"])


def test_what_it_needs_of_its_loss_is_that_of_the_loss():
    assert nn.TargetLoss(nn.MSELoss("sum"), "a").reduction == "sum"
    assert nn.TargetLoss(nn.BCEWithLogitsLoss(), "a").decision_threshold == 0.0
    (term,) = target_loss("clean").split_terms(Y, TARGETS, torch.tensor(0.5))
    assert term.value == 0.5


def test_a_target_that_is_not_there_is_told():
    with pytest.raises(LayerError, match="no target 'claen'; did you mean 'clean'"):
        target_loss("claen")(Y, TARGETS)
    with pytest.raises(LayerError, match="one of them 'clean', got a tensor"):
        target_loss("clean")(Y, Y)
    with pytest.raises(ValueError, match="no loss 'MSE'; did you mean 'MSELoss'"):
        target_loss("clean", "MSE")
