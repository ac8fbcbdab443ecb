"""Two trainings to compare: one whose epochs nobody looks at, and one with a look at each."""

import torch

from chainrule import nn, optim
from chainrule.data import Dataset
from chainrule.train import Callback, Compiled, Trainer

SEEDS = [3, 4, 5]


class Looks(Callback):
    """Sees the end of each epoch, which is therefore done alone."""

    def __init__(self):
        self.epochs = []

    def on_epoch_end(self, state):
        self.epochs.append(state.epoch)


def samples(K=3, n=45, dtype=torch.float32):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(K, n, 4, generator=generator, dtype=torch.float64)
    return Dataset(x.to(dtype), torch.randint(0, 3, (K, n), generator=generator), K)


def build(net=None, criterion=None, make=None, K=3, callbacks=(), dtype=torch.float32, **options):
    net = net or nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 3))
    net = net.to(dtype).initialize(1) if K is None else net.replicate(K, SEEDS[:K]).to(dtype)
    make = make or (lambda net: optim.SGD(net, lr=0.1, momentum=0.9))
    seed = SEEDS[0] if K is None else SEEDS[:K]
    options = {"batch_size": 10, "seed": seed, "compile": True, "callbacks": callbacks, **options}
    return Trainer(net, criterion or nn.CrossEntropyLoss(), make(net), **options)


def count_calls(trainer, monkeypatch):
    """Epochs of each call of the backend, in the order of the calls."""
    calls, backend = [], trainer.backend
    many, one = backend.train_epochs, backend.train_epoch
    monkeypatch.setattr(
        backend,
        "train_epochs",
        lambda s, d, orders, test: calls.append(len(orders)) or many(s, d, orders, test),
    )
    monkeypatch.setattr(backend, "train_epoch", lambda *a: calls.append(1) or one(*a))
    return calls


def assert_same(found, expected):
    assert found.backend_status == expected.backend_status == Compiled()
    assert (found.epoch, found.steps) == (expected.epoch, expected.steps)
    for (name, mine), (_, other) in zip(
        found.net.named_state(), expected.net.named_state(), strict=True
    ):
        assert torch.equal(mine.data, other.data), name
    mine, other = (t.optimizer.state_dict() for t in (found, expected))
    assert mine["state"].keys() == other["state"].keys()
    assert all(torch.equal(mine["state"][name], t) for name, t in other["state"].items())
    assert [g["step"] for g in mine["param_groups"]] == [g["step"] for g in other["param_groups"]]
    assert found.history.curves.keys() == expected.history.curves.keys()
    for name, curve in expected.history.curves.items():
        assert torch.equal(found.history[name].nan_to_num(-1), curve.nan_to_num(-1)), name
    assert found.history.diverged == expected.history.diverged
    assert torch.equal(found.active, expected.active)
    draws = [[m.rng_counter for m in t.net.modules()] for t in (found, expected)]
    assert draws[0] == draws[1]
