"""A copy of a training goes on as the training itself, bit for bit, however it was made."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from functools import partial
from io import BytesIO

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import Dataset, disk
from chainrule.interop import TorchTrainer
from chainrule.optim import lr_scheduler
from chainrule.train import EarlyStopping, Trainer

DATA = disk(50, seed=0)


def pickled(protocol, value):
    return pickle.loads(pickle.dumps(value, protocol))


def dumped_by_joblib(value):
    joblib = pytest.importorskip("joblib")
    file = BytesIO()
    joblib.dump(value, file)
    file.seek(0)
    return joblib.load(file)


def dumped_by_cloudpickle(value):
    return pickle.loads(pytest.importorskip("cloudpickle").dumps(value))


WAYS = {
    **{f"pickle {protocol}": partial(pickled, protocol) for protocol in range(2, 6)},
    "joblib": dumped_by_joblib,
    "cloudpickle": dumped_by_cloudpickle,
    "deepcopy": copy.deepcopy,
}


def build(cls=Trainer, K=None, normalized=True, **options) -> Trainer:
    hidden = [nn.BatchNorm1d(6), nn.Dropout(0.2)] if normalized else []
    net = nn.Sequential(nn.Linear(2, 6), *hidden, nn.ReLU(), nn.Linear(6, 2)).initialize(0)
    net = net if K is None else net.replicate(K, [*range(K)])
    optimizer = optim.Adam(net, lr=0.01)
    return cls(net, nn.CrossEntropyLoss(), optimizer, batch_size=16, **options)


TRAINERS = {
    "plain": lambda: build(callbacks=[EarlyStopping("train_loss", patience=50)]),
    "cohort": partial(build, K=2),
    "kernel": partial(build, K=2, normalized=False, compile=True),
    "torch": partial(build, TorchTrainer, normalized=False),
}


def tensors(trainer: Trainer) -> list[torch.Tensor]:
    return [*trainer.net.state_dict().values(), *trainer.history.curves.values()]


def equal(a: Trainer, b: Trainer) -> bool:
    return all(torch.equal(s, t) for s, t in zip(tensors(a), tensors(b), strict=True))


@pytest.mark.parametrize("duplicate", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("make", TRAINERS.values(), ids=TRAINERS)
def test_a_copy_of_a_trainer_goes_on_bit_for_bit(make, duplicate):
    trainer = make()
    trainer.fit(DATA, DATA, epochs=2)
    other = duplicate(trainer)
    before = other.net.state_dict()["0.weight"].clone()
    other.fit(DATA, DATA, epochs=4)
    assert not torch.equal(other.net.state_dict()["0.weight"], before)
    trainer.fit(DATA, DATA, epochs=4)
    assert equal(trainer, other)
    assert trainer.evaluate(DATA)["loss"].tolist() == other.evaluate(DATA)["loss"].tolist()


def step(net: nn.Module, optimizer: optim.Optimizer) -> None:
    loss = nn.MSELoss()
    value = loss(net(DATA.inputs), torch.ones(50, 2))
    assert value.isfinite()
    optimizer.zero_grad()
    net.backward(loss.backward())
    optimizer.step()


@pytest.mark.parametrize("duplicate", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)], ids=["net", "optimizer"])
def test_a_net_and_its_optimizer_go_on(order, duplicate):
    net = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 2)).initialize(0)
    optimizer = optim.Adam(net, lr=0.1)
    schedule = lr_scheduler.ExponentialLR(optimizer, 0.5)
    step(net, optimizer)
    schedule.step()
    things = [net, optimizer, schedule][order]
    other_net, other_optimizer, other_schedule = duplicate(things)[order]
    for _ in range(2):
        step(net, optimizer)
        step(other_net, other_optimizer)
        schedule.step()
        other_schedule.step()
    for a, b in zip(net.parameters(), other_net.parameters(), strict=True):
        assert torch.equal(a.data, b.data)
        assert torch.equal(a.grad, b.grad)


OPTIMIZERS = [name for name in optim.__all__ if name[0].isupper() and name != "Optimizer"]


@pytest.mark.parametrize("K", [None, 2], ids=["plain", "cohort"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_training_by_each_optimizer_goes_on_bit_for_bit(name, K):
    hidden, last = nn.Linear(2, 5, bias=False), nn.Linear(5, 2, bias=False)  # Muon takes matrices
    net = nn.Sequential(hidden, nn.Tanh(), last).initialize(0)
    net = net if K is None else net.replicate(K, [*range(K)])
    trainer = Trainer(net, nn.CrossEntropyLoss(), getattr(optim, name)(net, lr=0.05), batch_size=25)
    trainer.fit(DATA, epochs=2)
    other = pickled(2, trainer)
    before = [tensor.clone() for tensor in tensors(other)]
    for each in (trainer, other):
        each.fit(DATA, epochs=4)
    assert equal(trainer, other)
    assert not torch.equal(before[0], tensors(other)[0])


@pytest.mark.parametrize("duplicate", WAYS.values(), ids=WAYS)
def test_an_optimizer_that_was_left_behind_takes_nothing_back(duplicate):
    net = nn.Linear(2, 2).initialize(0)
    old = optim.SGD(net, lr=0.1)
    new = optim.SGD(net, lr=0.1)
    net, new, old = duplicate((net, new, old))
    step(net, new)
    with pytest.raises(RuntimeError, match="build the optimizer"):
        old.step()


def test_ties_stay_ties():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)).initialize(0)
    net[1].weight = net[0].weight
    other = pickled(5, (net, optim.SGD(net)))[0]
    assert other[1].weight is other[0].weight


@pytest.mark.parametrize("trained", [False, True])
def test_a_pickled_net_is_as_large_as_its_numbers(trained):
    net = nn.Sequential(*(nn.Linear(100, 100) for _ in range(8))).initialize(0)
    optimizer = optim.SGD(net)
    if trained:
        data = Dataset(torch.randn(20, 100), torch.randn(20, 100))
        Trainer(net, nn.MSELoss(), optimizer).fit(data, epochs=1)
    numbers = sum(4 * parameter.numel() for parameter in net.parameters())
    assert len(pickle.dumps(net)) < 1.1 * numbers
    assert len(pickle.dumps(net.replicate(3))) < 3.1 * numbers


def train_elsewhere(trainer: Trainer, threads: int) -> Trainer:
    torch.set_num_threads(threads)
    trainer.fit(DATA, DATA, epochs=4)
    return trainer


def test_another_process_goes_on_bit_for_bit():
    trainer = build()
    trainer.fit(DATA, DATA, epochs=2)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        other = pool.apply(train_elsewhere, (trainer, torch.get_num_threads()))
    trainer.fit(DATA, DATA, epochs=4)
    assert equal(trainer, other)
