"""The metrics of an epoch's batches, of which some at a time are held."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import Dataset
from chainrule.train import AUC, Accuracy, ErrorRate, JointAccuracy, RootMeanSquaredError, Trainer
from chainrule.train.backends import compiled, kernel_epochs
from chainrule.train.metrics import epoch
from chainrule.train.metrics.epoch import EpochMetrics

POINTS = Dataset(
    torch.randn(70, 3, generator=torch.Generator().manual_seed(3)), torch.arange(70) % 2
)
K = 3


@pytest.fixture(params=[False, True], ids=["plain", "compiled"])
def kernel(request) -> bool:
    return request.param


def train(kernel, metrics, replicas=K, lr=0.05):
    net = nn.Sequential(nn.Linear(3, 5), nn.Dropout(0.3), nn.Tanh(), nn.Linear(5, 2))
    net = net.initialize(7) if replicas is None else net.replicate(replicas, [*range(replicas)])
    rule = optim.NAdam(net, lr=lr)
    trainer = Trainer(
        net, nn.CrossEntropyLoss(), rule, batch_size=9, metrics=metrics, compile=kernel
    )
    return trainer.fit(POINTS, epochs=3, progress=False)


def shrink(monkeypatch, numbers):
    for module in (compiled, kernel_epochs, epoch):
        monkeypatch.setattr(module, "CHUNK_NUMBERS", numbers)


@pytest.mark.parametrize("replicas", [None, K])
def test_some_batches_at_a_time_are_measured_as_all_at_once(monkeypatch, kernel, replicas):
    metrics = {"accuracy": Accuracy(), "error": ErrorRate(), "spread": lambda o, t: o.std(-1)}
    whole = train(kernel, metrics, replicas)
    shrink(monkeypatch, 50)
    parts = train(kernel, metrics, replicas)
    assert torch.equal(parts["train_loss"], whole["train_loss"])
    for name in metrics:
        torch.testing.assert_close(parts[f"train_{name}"], whole[f"train_{name}"])


def test_no_more_than_some_batches_are_held(monkeypatch, kernel):
    seen = []

    def count(output, target):
        seen.append(output.numel())
        return output[..., 0]

    shrink(monkeypatch, 120)
    train(kernel, {"count": count})
    assert len(seen) == 3 * 3
    assert max(seen) < 120 + 9 * 2 * K


def test_what_needs_all_samples_gets_them(monkeypatch, kernel):
    score = {"auc": lambda o, t: AUC()(o[..., 1:], t), "accuracy": Accuracy()}
    whole = train(kernel, score)
    shrink(monkeypatch, 50)
    assert torch.equal(train(kernel, score)["train_auc"], whole["train_auc"])


def test_who_diverges_in_a_part_learns_nothing_in_the_next(monkeypatch, kernel):
    rates, metrics = torch.tensor([0.05, 1e38, 0.07]), {"accuracy": Accuracy()}
    whole = train(kernel, metrics, lr=rates)
    shrink(monkeypatch, 50)
    parts = train(kernel, metrics, lr=rates)
    assert [one.replica for one in parts.diverged] == [1]
    assert parts.diverged == whole.diverged
    for name in ("train_loss", "train_accuracy"):
        assert torch.equal(parts[name].isnan(), whole[name].isnan())


def test_a_decision_looks_for_its_threshold_in_all_targets(monkeypatch):
    outputs, targets = torch.tensor([[0.3], [0.4], [-0.2]]), torch.tensor([[1.0], [1.0], [-1.0]])
    monkeypatch.setattr(epoch, "CHUNK_NUMBERS", 1)
    heads = JointAccuracy(["a"])
    found = EpochMetrics({"own": Accuracy(), "error": ErrorRate()}, lambda: targets, 0)
    joint = EpochMetrics({"joint": heads}, lambda: {"a": targets}, 0)
    for y, t in zip(outputs, targets, strict=True):  # each a batch of one
        found.add(y[None], t[None])
        joint.add({"a": y[None]}, {"a": t[None]})
    assert {name: value.item() for name, value in found.compute().items()} == {
        "own": 1.0,
        "error": 0.0,
    }
    assert joint.compute()["joint"] == 1


def test_the_root_is_taken_of_the_mean_of_all(monkeypatch):
    monkeypatch.setattr(epoch, "CHUNK_NUMBERS", 1)
    outputs, targets = torch.tensor([[3.0], [5.0], [9.0]]), torch.zeros(3, 1)
    found = EpochMetrics({"rmse": RootMeanSquaredError()}, lambda: targets, 0)
    for y, t in zip(outputs, targets, strict=True):
        found.add(y[None], t[None])
    assert found.compute()["rmse"].item() == pytest.approx((115 / 3) ** 0.5)


def test_without_metrics_and_without_batches_there_are_none():
    nothing = EpochMetrics({}, lambda: POINTS.targets, 0)
    nothing.add(POINTS.inputs, POINTS.targets)
    unused = EpochMetrics({"a": Accuracy()}, lambda: POINTS.targets, 0)
    assert nothing.compute() == {} == unused.compute()
