"""Adafactor and Muon, which know a parameter's shape: against torch, and cohorts against nets."""

from __future__ import annotations

import inspect

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import disk
from chainrule.optim.matrices import Muon
from chainrule.train import Trainer
from tests.optim import twins

SHAPES = {"Adafactor": [(4, 3), (5,), (2, 3, 4), ()], "Muon": [(4, 3), (3, 5), (2, 2)]}

CASES = [
    ("Adafactor", {}),
    ("Adafactor", {"lr": 0.1, "beta2_decay": -0.5, "d": 1.5, "weight_decay": 0.1}),
    ("Adafactor", {"eps": (1e-3, 0.5), "maximize": True}),
    ("Muon", {}),
    ("Muon", {"lr": 0.1, "momentum": 0.5, "nesterov": False, "weight_decay": 0.3}),
    ("Muon", {"adjust_lr_fn": "match_rms_adamw", "ns_steps": 3, "eps": 1e-3}),
]
COHORTS = [
    ("Adafactor", {"lr": [0.1, 0.2, 0.3], "d": [1.0, 1.5, 2.0], "weight_decay": [0.0, 0.1, 0.2]}),
    ("Adafactor", {"beta2_decay": [-0.8, -0.5, -0.1]}),
    ("Muon", {"lr": 0.1, "eps": [1e-7, 0.5, 20.0]}),
    ("Muon", {"lr": [0.1, 0.2, 0.3], "momentum": [0.9, 0.5, 0.0], "weight_decay": [0.0, 0.1, 0.2]}),
]


@pytest.fixture(autouse=True)
def _exact(monkeypatch):
    """torch's Muon in the parameters' own dtype, as ours is."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)


@pytest.mark.parametrize(("name", "kwargs"), CASES)
def test_follows_torch_step_by_step(name, kwargs):
    ours = twins.parameters(shapes=SHAPES[name])
    theirs = twins.torch_parameters(ours)
    mine = getattr(optim, name)(ours, **kwargs)
    twin = getattr(torch.optim, name)(theirs, **kwargs)
    for number in range(30):
        for p, g in zip(theirs, twins.gradients(number, theirs), strict=True):
            p.grad = g
        twins.step(mine, number)
        twin.step()
        for p, q in zip(ours, theirs, strict=True):
            torch.testing.assert_close(p.data, q.detach(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("name", "kwargs"), COHORTS)
def test_a_replica_with_its_own_numbers_equals_the_net_alone(name, kwargs):
    cohort = twins.parameters(replicas=3, shapes=SHAPES[name])
    together = getattr(optim, name)(cohort, **twins.tensors(kwargs), replicas=3)
    plain = [[type(p)(p.data[k].clone()) for p in cohort] for k in range(3)]
    alone = [getattr(optim, name)(plain[k], **twins.of_replica(kwargs, k)) for k in range(3)]
    for number in range(20):
        g = twins.gradients(number, [p.data for p in cohort])
        twins.set_gradients(cohort, g)
        together.step()
        for k in range(3):
            twins.set_gradients(plain[k], [t[k] for t in g])
            alone[k].step()
            for p, q in zip(cohort, plain[k], strict=True):
                torch.testing.assert_close(p.data[k], q.data, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", ["Adafactor", "Muon"])
def test_a_replica_that_takes_no_part_keeps_all_it_has(name):
    cohort = twins.parameters(replicas=3, shapes=SHAPES[name])
    optimizer = getattr(optim, name)(cohort, replicas=3)
    twins.step(optimizer, 0)
    before = twins.snapshot(optimizer)
    twins.step(optimizer, 1, torch.tensor([True, False, True]))
    for t, old in zip(twins.snapshot(optimizer), before, strict=True):
        assert torch.equal(t[1], old[1])
    assert not torch.equal(optimizer.flats[0].data[0], before[0][0])


@pytest.mark.parametrize("name", ["Adafactor", "Muon"])
def test_a_state_reloaded_half_way_changes_nothing(name):
    ours, again = (twins.parameters(shapes=SHAPES[name]) for _ in range(2))
    first = getattr(optim, name)(ours)
    for number in range(3):
        twins.step(first, number)
    for p, q in zip(again, ours, strict=True):
        p.data.copy_(q.data)
    second = getattr(optim, name)(again)
    second.load_state_dict(first.state_dict())
    for optimizer in (first, second):
        twins.step(optimizer, 7)
    assert torch.equal(first.flats[0].data, second.flats[0].data)


@pytest.mark.parametrize("name", ["Adafactor", "Muon"])
def test_arguments_order_and_defaults_are_torchs(name):
    def signature(cls):
        parameters = inspect.signature(cls).parameters.values()
        return {p.name: p.default for p in parameters if p.name not in ("replicas", "foreach")}

    assert signature(getattr(optim, name)) == signature(getattr(torch.optim, name))


def test_singular_values_come_near_to_one():
    optimizer = Muon(twins.parameters(shapes=[(4, 3)]))
    m = torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(1)).double()
    values = torch.linalg.svdvals(optimizer._orthogonalize(m, 1e-7))
    assert values.min() > 0.5
    assert values.max() < 1.3


def test_a_net_without_biases_learns_by_muon():
    net = nn.Sequential(nn.Linear(2, 20, bias=False), nn.Tanh(), nn.Linear(20, 2, bias=False))
    trainer = Trainer(net.initialize(0), nn.CrossEntropyLoss(), Muon(net, lr=0.02))
    history = trainer.fit(disk(400), epochs=20, progress=False)
    assert history["train_loss"][-1] < history["train_loss"][0]
    assert str(trainer.backend_status) == "compiled"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda ps: optim.Muon(ps), r"Muon: expected matrices alone, got a parameter \(5,\)"),
        (lambda ps: optim.Muon(ps[:1], adjust_lr_fn="mean"), "'original' or 'match_rms_adamw'"),
        (lambda ps: optim.Adafactor(ps, eps=(0.1,)), "eps: expected a list of 2 numbers"),
        (lambda ps: optim.Adafactor(ps, eps=(-0.1, 0.1)), "eps: expected numbers at least 0"),
        (lambda ps: optim.Adafactor(ps, beta2_decay=0.5), "beta2_decay: expected at most 0"),
        (lambda ps: optim.Adafactor(ps, d=0.5), "d: expected at least 1"),
    ],
)
def test_what_torch_refuses_is_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make(twins.parameters(shapes=SHAPES["Adafactor"]))
