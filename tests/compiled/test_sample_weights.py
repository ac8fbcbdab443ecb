"""Losses whose samples count more or less, on the compiled path and on the plain one."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import Dataset
from chainrule.train import Trainer
from tests.compiled.agreement import SEEDS, K, N, make_data, sgd, train_net

WEIGHTED = torch.tensor([0.7, 1.3, 2.1, 0.4])

LOSSES = [
    (nn.MSELoss(), 4),
    (nn.L1Loss(), 4),
    (nn.HuberLoss(delta=0.4), 4),
    (nn.BCEWithLogitsLoss(weight=WEIGHTED, pos_weight=WEIGHTED), 4),
    (nn.KLDivLoss(), 4),
    (nn.OneHotLoss(nn.MSELoss(), -1.0, 1.0), -4),
    (nn.CrossEntropyLoss(), -4),
    (nn.CrossEntropyLoss(WEIGHTED, ignore_index=2, label_smoothing=0.1), -4),
    (nn.CrossEntropyLoss(), 4),
]


def make_net():
    return nn.Sequential(nn.Linear(3, 11), nn.Tanh(), nn.Linear(11, 4))


def weighted_data(targets, dtype, replicas=K):
    data = make_data((3,), targets, dtype, replicas)
    weight = torch.rand(replicas, N, generator=torch.Generator().manual_seed(3)).to(dtype)
    weight[:, ::5] = 0
    return Dataset(data.inputs, {"target": data.targets, "weight": weight}, replicas)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-4)], ids=["64", "32"]
)
@pytest.mark.parametrize(("loss", "targets"), LOSSES, ids=lambda case: str(case))
def test_weighted_samples_agree(loss, targets, dtype, tolerance):
    data = weighted_data(targets, dtype)
    criterion = nn.SampleWeightedLoss(loss)
    fast, plain = (train_net(way, make_net(), criterion, sgd, data) for way in (True, False))
    close = {"rtol": tolerance, "atol": tolerance}
    for mine, flat in zip(fast.optimizer.flats, plain.optimizer.flats, strict=True):
        torch.testing.assert_close(mine.data, flat.data, **close)
    torch.testing.assert_close(fast.history["train_loss"], plain.history["train_loss"], **close)


def test_log_probabilities_agree():
    data = weighted_data(-4, torch.float64)
    net = nn.Sequential(make_net(), nn.LogSoftmax(-1))
    criterion = nn.SampleWeightedLoss(nn.NLLLoss(WEIGHTED))
    fast, plain = (train_net(way, net, criterion, sgd, data) for way in (True, False))
    torch.testing.assert_close(
        fast.history["train_loss"], plain.history["train_loss"], rtol=1e-12, atol=1e-12
    )


def test_a_batch_of_which_no_sample_counts_teaches_nothing():
    data = weighted_data(-4, torch.float32)
    data.targets["weight"].zero_()
    trainer = train_net(True, make_net(), nn.SampleWeightedLoss(nn.CrossEntropyLoss()), sgd, data)
    first = make_net().replicate(K, SEEDS)
    for mine, parameter in zip(trainer.net.parameters(), first.parameters(), strict=True):
        assert torch.equal(mine.data, parameter.data)
    assert not trainer.history.diverged


def test_a_plain_net_and_weights_that_change_between_fits():
    data = weighted_data(-4, torch.float32, 1).replica(0)

    def train(way):
        net = make_net().initialize(5)
        criterion = nn.SampleWeightedLoss(nn.CrossEntropyLoss())
        trainer = Trainer(net, criterion, optim.Adam(net), batch_size=9, compile=way)
        weight = data.targets["weight"].clone()
        mine = Dataset(data.inputs, {**data.targets, "weight": weight})
        trainer.fit(mine, epochs=1, progress=False)
        weight.mul_(weight)
        return trainer.fit(mine, epochs=2, progress=False)["train_loss"]

    torch.testing.assert_close(train(True), train(False), rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda targets: {**targets, "weight": targets["weight"].double()},
        lambda targets: {**targets, "other": targets["weight"]},
    ],
)
def test_what_has_no_compiled_form_is_left_to_the_plain_path(spoil):
    data = weighted_data(-4, torch.float32)
    data = Dataset(data.inputs, spoil(data.targets), K)
    net = make_net().replicate(K, SEEDS)
    criterion = nn.SampleWeightedLoss(nn.CrossEntropyLoss())
    trainer = Trainer(net, criterion, sgd(net), seed=SEEDS)
    status = trainer.backend.prepare(trainer.state, data)
    assert str(status).startswith("plain: there is no compiled form of SampleWeightedLoss")
