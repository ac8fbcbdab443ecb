"""SampleWeightedLoss: a weight is how often a sample counts."""

from __future__ import annotations

import pytest
import torch

from chainrule import gradcheck, nn

CLASSES = torch.tensor([0, 2, 1, 2])
WEIGHT = torch.tensor([1.0, 0.0, 3.0, 2.0], dtype=torch.float64)


def outputs(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


LOSSES = [
    (nn.CrossEntropyLoss(), CLASSES),
    (nn.OneHotLoss(nn.MSELoss()), CLASSES),
    (nn.HuberLoss(), outputs(4, 3) / 2),
]


@pytest.mark.parametrize(("loss", "target"), LOSSES, ids=lambda x: type(x).__name__)
def test_a_weight_is_how_often_a_sample_is_there(loss, target):
    y, times = outputs(4, 3), WEIGHT.long()
    weighted = nn.SampleWeightedLoss(loss)(y, {"target": target, "weight": WEIGHT})
    expected = loss(y.repeat_interleave(times, 0), target.repeat_interleave(times, 0))
    assert weighted.item() == pytest.approx(expected.item(), rel=1e-14)


@pytest.mark.parametrize(("loss", "target"), LOSSES, ids=lambda x: type(x).__name__)
def test_the_gradient(loss, target):
    report = gradcheck(
        nn.SampleWeightedLoss(loss), outputs(4, 3), {"target": target, "weight": WEIGHT}
    )
    assert report, report


def test_a_cohort_weighs_each_replica_by_its_own():
    y = outputs(2, 4, 3)
    weights = torch.stack([WEIGHT, WEIGHT.flip(0)])
    target = {"target": CLASSES.expand(2, 4), "weight": weights}
    cohort = nn.SampleWeightedLoss(nn.CrossEntropyLoss()).replicate(2)
    values, rule = cohort.forward(y, target)
    g = rule(torch.ones(2, dtype=torch.float64))
    for k in range(2):
        value, alone = cohort.replica(k).forward(y[k], {"target": CLASSES, "weight": weights[k]})
        assert values[k] == value
        assert torch.equal(g[k], alone(torch.ones_like(value)))


def test_the_loss_of_an_epoch_is_that_of_the_whole_set():
    loss, target = nn.SampleWeightedLoss(nn.CrossEntropyLoss()), {}
    y = outputs(4, 3)
    halves = []
    for part in (slice(0, 2), slice(2, 4)):
        target = {"target": CLASSES[part], "weight": WEIGHT[part]}
        value, _ = loss.forward(y[part], target)
        halves.append((float(value), float(loss.batch_weight(y[part], target))))
    whole = loss(y, {"target": CLASSES, "weight": WEIGHT}).item()
    assert sum(v * w for v, w in halves) / sum(w for _, w in halves) == pytest.approx(whole)


def test_a_batch_that_counts_nothing_moves_nothing():
    loss = nn.SampleWeightedLoss(nn.CrossEntropyLoss())
    value = loss(outputs(4, 3), {"target": CLASSES, "weight": torch.zeros(4)})
    assert value == 0
    assert not loss.backward().any()


def test_it_says_what_it_wants():
    with pytest.raises(nn.LayerError, match=r'expected a target \{"target": t, "weight": w\}'):
        nn.SampleWeightedLoss(nn.CrossEntropyLoss())(outputs(4, 3), CLASSES)
    with pytest.raises(TypeError, match="has no loss of a single sample"):
        nn.SampleWeightedLoss(nn.MultiLoss({"a": nn.MSELoss()}))


def test_what_does_not_fit_is_told_with_the_loss_within():
    loss = nn.SampleWeightedLoss(nn.CrossEntropyLoss())
    with pytest.raises(nn.LayerError, match="SampleWeightedLoss CrossEntropyLoss"):
        loss(outputs(4, 3), {"target": CLASSES + 7, "weight": WEIGHT})
    with pytest.raises(nn.LayerError, match="expected one weight a sample"):
        loss(outputs(4, 3), {"target": CLASSES, "weight": WEIGHT[:, None]})


def test_it_decides_where_its_loss_does_and_keeps_the_replicas_that_are_left():
    assert nn.SampleWeightedLoss(nn.BCEWithLogitsLoss()).decision_threshold == 0
    cohort = nn.SampleWeightedLoss(nn.CrossEntropyLoss()).replicate(3)
    cohort.keep_replicas(torch.tensor([2, 0]))
    assert cohort.replicas == cohort.loss.replicas == 2
