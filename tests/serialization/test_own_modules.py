"""Nets with modules of the user's own: saved by name and source, loaded where they are trusted."""

from __future__ import annotations

import importlib
import sys

import pytest
import torch

from chainrule import load, nn, optim, save
from chainrule.data import disk
from chainrule.serialization import FileError, load_metadata
from chainrule.train import Checkpoint, Trainer

MODULE = '''
from chainrule import nn
from chainrule.nn.parameter import Buffer, Parameter
import torch


class Scale(nn.Module):
    """y = w x"""

    def __init__(self, features, start=1.0):
        self.features, self.start = features, start
        self.weight = Parameter(torch.full((features,), start))
        self.seen = Buffer(torch.tensor(0))

    def forward(self, x):
        w = self.weight

        def backward(g):
            w.grad.add_((g * x).sum(-2))
            return g * w.data.unsqueeze(-2)

        return x * w.data.unsqueeze(-2), backward


class Twice(nn.Module):
    """A module of modules, one of them its argument."""

    def __init__(self, inner, width: int = 3):
        self.inner, self.width = inner, width
        self.last = nn.Linear(width, 2)

    def forward(self, x):
        return nn.Sequential(self.inner, self.last).forward(x)


class Forgets(nn.Module):
    def __init__(self, size):
        self.weight = Parameter(torch.zeros(size))

    def forward(self, x):
        return x, lambda g: g


class Keeps(nn.Module):
    def __init__(self, function):
        self.function = function

    def forward(self, x):
        return x, lambda g: g
'''


@pytest.fixture
def mynets(tmp_path, monkeypatch):
    """A module of the user's, in a folder from which it is imported."""
    (tmp_path / "mynets.py").write_text(MODULE)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "mynets", raising=False)
    importlib.invalidate_caches()
    yield importlib.import_module("mynets")
    sys.modules.pop("mynets", None)


def make_net(mynets) -> nn.Module:
    return nn.Sequential(
        nn.Linear(2, 3), mynets.Scale(3, 0.5), mynets.Twice(mynets.Scale(3))
    ).initialize(0)


X = disk(20, 0).inputs


@pytest.mark.parametrize("K", [None, 3])
def test_a_net_comes_back_where_its_module_is_trusted(mynets, tmp_path, K):
    net = make_net(mynets)
    net[2].inner.weight = net[1].weight
    net = net if K is None else net.replicate(K, [*range(K)])
    path = tmp_path / "net.safetensors"
    save(net, path, {"mine": 1})
    again = load(path, trust=["mynets"])
    x = X if K is None else X[None]
    assert torch.equal(again(x), net(x))
    assert type(again[1]) is mynets.Scale
    assert again[2].inner.weight is again[1].weight
    assert load_metadata(path) == {"mine": 1}
    assert torch.equal(load(path, trust="mynets")(x), net(x))


def test_another_process_imports_it(mynets, tmp_path):
    save(make_net(mynets), tmp_path / "net.safetensors")
    del sys.modules["mynets"]
    assert load(tmp_path / "net.safetensors", trust=["mynets"])(X).shape == (20, 2)


@pytest.mark.parametrize("trust", [(), ["other"], ["mynet"], "mynet"])
def test_without_trust_nothing_of_it_is_run(mynets, tmp_path, trust):
    save(make_net(mynets), tmp_path / "net.safetensors")
    del sys.modules["mynets"]
    with pytest.raises(FileError, match=r"classes of mynets.*trust=\['mynets'\].*--trust mynets"):
        load(tmp_path / "net.safetensors", trust=trust)
    assert "mynets" not in sys.modules


def test_a_source_that_was_changed_is_not_the_one_saved(mynets, tmp_path):
    save(make_net(mynets), tmp_path / "net.safetensors")
    (tmp_path / "mynets.py").write_text(MODULE.replace("x * w", "x / w"))
    with pytest.raises(FileError, match="mynets was changed since the net was saved"):
        load(tmp_path / "net.safetensors", trust=["mynets"])


@pytest.mark.parametrize(
    ("source", "message"),
    [(None, "ModuleNotFoundError"), ("1 / 0", "ZeroDivisionError"), ("def f(:", "SyntaxError")],
)
def test_a_module_that_cannot_be_imported_is_told(mynets, tmp_path, source, message):
    save(make_net(mynets), tmp_path / "net.safetensors")
    del sys.modules["mynets"]
    (tmp_path / "mynets.py").unlink()
    if source:
        (tmp_path / "mynets.py").write_text(source)
    importlib.invalidate_caches()
    with pytest.raises(FileError, match=f"module mynets, which cannot be imported .{message}"):
        load(tmp_path / "net.safetensors", trust=["mynets"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda mynets: mynets.Forgets(3), "does not keep its argument 'size': write self.size"),
        (lambda mynets: mynets.Keeps(abs), "is no plain data"),
        (lambda mynets: mynets.Keeps(torch.float32), "is no plain data"),
    ],
    ids=["forgets", "function", "dtype"],
)
def test_what_could_not_be_built_again_is_refused_at_once(mynets, tmp_path, make, message):
    with pytest.raises(ValueError, match=message):
        save(nn.Sequential(make(mynets)), tmp_path / "net.safetensors")
    assert not (tmp_path / "net.safetensors").exists()


def test_a_module_that_was_changed_after_it_was_made_is_refused(mynets, tmp_path):
    net = mynets.Twice(nn.Tanh())
    net.last = nn.Linear(3, 5)
    with pytest.raises(
        ValueError, match=r"Twice: built again .* last.weight \(2, 3\): a module of"
    ):
        save(net, tmp_path / "net.safetensors")
    net = mynets.Twice(nn.Tanh())
    net.more = nn.Linear(3, 5)
    with pytest.raises(ValueError, match=r"more\.weight not at all"):
        save(net, tmp_path / "net.safetensors")


def test_a_checkpoint_goes_on_bit_for_bit_and_has_the_net(mynets, tmp_path):
    path = tmp_path / "training.safetensors"

    def make(*callbacks) -> Trainer:
        net = make_net(mynets)
        optimizer = optim.Adam(net, lr=0.01)
        return Trainer(net, nn.CrossEntropyLoss(), optimizer, callbacks=list(callbacks))

    whole = make()
    whole.fit(disk(50, 0), epochs=4)
    make(Checkpoint(path)).fit(disk(50, 0), epochs=2)
    resumed = make(Checkpoint(path))
    resumed.load(path)
    resumed.fit(disk(50, 0), epochs=4)
    assert torch.equal(resumed.net(X), whole.net(X))
    assert torch.equal(load(path, trust=["mynets"])(X), whole.net(X))
