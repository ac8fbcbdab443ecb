"""A loss of vectors for targets that are classes."""

from __future__ import annotations

import pytest
import torch

from chainrule import gradcheck, nn
from chainrule.data import one_hot
from chainrule.nn import BCELoss, LayerError, MSELoss, OneHotLoss

CLASSES = torch.tensor([0, 2, 1, 2])


def outputs(*shape: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(3)
    return torch.rand(shape, generator=draw, dtype=torch.float64)


@pytest.mark.parametrize("low", [0.0, -1.0])
def test_it_is_the_loss_of_the_rows(low):
    y, rows = outputs(4, 3), one_hot(CLASSES, 3, low).double()
    ours, plain = OneHotLoss(MSELoss(), low), MSELoss()
    assert ours(y, CLASSES) == plain(y, rows)
    assert torch.equal(ours.backward(), plain.backward())


def test_a_single_output_is_high_for_class_1():
    y, classes = outputs(3, 1), torch.tensor([1, 0, 1])
    target = torch.tensor([[1.0], [0.0], [1.0]], dtype=torch.float64)
    assert OneHotLoss(BCELoss())(y, classes) == BCELoss()(y, target)


@pytest.mark.parametrize("shared", [True, False])
def test_a_replica_is_the_loss_alone(shared):
    y = outputs(2, 4, 3)
    classes = CLASSES.expand(1, 4) if shared else torch.stack([CLASSES, CLASSES.flip(0)])
    cohort = OneHotLoss(MSELoss(), -1.0).replicate(2)
    values = cohort(y, classes)
    g = cohort.backward()
    for k in range(2):
        alone = cohort.replica(k)
        assert torch.isclose(values[k], alone(y[k], classes[0 if shared else k]))
        assert torch.allclose(g[k], alone.backward())


def test_gradients_agree_with_finite_differences():
    report = gradcheck(OneHotLoss(BCELoss()), outputs(4, 3) * 0.8 + 0.1, CLASSES)
    assert report, report


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (torch.tensor([0, 3, 1, 2]), "class indices from 0 to 2, got 3"),
        (torch.tensor([0, -1, 1, 2]), "class indices from 0 to 2, got -1"),
        (torch.tensor([0, 1]), r"class indices \(4,\), got \(2,\)"),
        (torch.zeros(4), "expected torch.int64, got torch.float32"),
    ],
)
def test_a_target_that_is_no_class_is_refused(target, message):
    with pytest.raises(LayerError, match=message):
        OneHotLoss(MSELoss())(outputs(4, 3), target)


def test_what_the_loss_refuses_is_said_with_its_place():
    with pytest.raises(LayerError, match=r"^OneHotLoss BCELoss\(\)"):
        OneHotLoss(BCELoss())(outputs(4, 3) + 1, CLASSES)


def test_it_reduces_as_its_loss():
    assert OneHotLoss(MSELoss("none")).reduction == "none"
    assert repr(OneHotLoss(nn.MSELoss(), -1.0)) == "OneHotLoss(MSELoss(), low=-1.0)"


def test_what_is_left_of_a_cohort_has_the_loss_of_those_replicas():
    y = outputs(3, 4, 3)
    cohort = OneHotLoss(MSELoss(), -1.0).replicate(3)
    cohort.keep_replicas(torch.tensor([2, 0]))
    values = cohort(y[[2, 0]], CLASSES.expand(1, 4))
    assert values.tolist() == [OneHotLoss(MSELoss(), -1.0)(y[k], CLASSES).item() for k in (2, 0)]
