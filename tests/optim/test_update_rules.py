"""Every update rule against torch.optim, and a replica against the same net alone."""

from __future__ import annotations

import inspect

import pytest
import torch

from chainrule import optim
from tests.optim import twins
from tests.optim.twins import CASES, COHORTS, IDS

NAMES = ["SGD", "Adagrad", "RMSprop", "Adadelta", "Adam", "AdamW", "NAdam", "RAdam"]


@pytest.mark.parametrize(("name", "kwargs"), CASES, ids=IDS)
def test_follows_torch_step_by_step_with_groups(name, kwargs):
    if name == "ASGD":  # torch keeps its rate in the default dtype
        torch.set_default_dtype(torch.float64)
    try:
        follow_torch(name, kwargs)
    finally:
        torch.set_default_dtype(torch.float32)


def follow_torch(name, kwargs):
    ours = twins.parameters()
    theirs = twins.torch_parameters(ours)
    other = {"lr": 0.05} if name == "Rprop" else {"lr": 0.05, "weight_decay": 0.03}
    groups = [[{"params": ps[:2]}, {"params": ps[2:], **other}] for ps in (ours, theirs)]
    mine = getattr(optim, name)(groups[0], **kwargs)
    twin = getattr(torch.optim, name)(groups[1], **kwargs)
    for number in range(50):
        for p, g in zip(theirs, twins.gradients(number, theirs), strict=True):
            p.grad = g
        twins.step(mine, number)
        twin.step()
        for p, q in zip(ours, theirs, strict=True):
            torch.testing.assert_close(p.data, q.detach(), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("name", "kwargs"), COHORTS)
def test_replica_with_its_own_numbers_equals_the_net_alone(name, kwargs):
    cohort = twins.parameters(replicas=3)
    together = getattr(optim, name)(cohort, **twins.tensors(kwargs), replicas=3)
    plain = [[type(p)(p.data[k].clone()) for p in cohort] for k in range(3)]
    alone = [getattr(optim, name)(plain[k], **twins.of_replica(kwargs, k)) for k in range(3)]
    for number in range(50):
        g = twins.gradients(number, [p.data for p in cohort])
        twins.set_gradients(cohort, g)
        together.step()
        for k in range(3):
            twins.set_gradients(plain[k], [t[k] for t in g])
            alone[k].step()
            for p, q in zip(cohort, plain[k], strict=True):
                torch.testing.assert_close(p.data[k], q.data, rtol=1e-12, atol=1e-12)


def double(number):
    return torch.tensor([number, number], dtype=torch.float64)


@pytest.mark.parametrize(("name", "kwargs"), CASES, ids=IDS)
def test_equal_numbers_per_replica_change_nothing(name, kwargs):
    """A hyper-parameter as a tensor of equal entries is the number."""
    wide = {
        key: tuple(double(b) for b in value) if isinstance(value, tuple) else double(value)
        for key, value in kwargs.items()
        if not isinstance(value, bool)
    }
    runs = []
    for numbers in (kwargs, {**kwargs, **wide}):
        ours = twins.parameters(replicas=2)
        optimizer = getattr(optim, name)(ours, **numbers, replicas=2)
        for number in range(5):
            twins.step(optimizer, number)
        runs.append(optimizer.flats[0].data)
    torch.testing.assert_close(*runs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_arguments_order_and_defaults_are_torchs(name):
    left_out = {"foreach", "capturable", "differentiable", "fused"}

    def signature(cls, without):
        parameters = inspect.signature(cls).parameters.values()
        return {p.name: p.default for p in parameters if p.name not in without}

    own = signature(getattr(optim, name), {"replicas"})
    twin = signature(getattr(torch.optim, name), left_out)
    assert own == twin
    assert [p for p in own if p != "maximize"] == [p for p in twin if p != "maximize"]


@pytest.mark.parametrize("name", NAMES)
def test_float32_and_float64_numbers_mix(name):
    """Numbers of another dtype than the parameters' do not change it."""
    ours = [type(p)(p.data.float()) for p in twins.parameters(replicas=2)]
    lr = torch.tensor([0.1, 0.2], dtype=torch.float64)
    optimizer = getattr(optim, name)(ours, lr=lr, weight_decay=lr, replicas=2)
    twins.step(optimizer, 0)
    assert {p.data.dtype for p in ours} == {torch.float32}
    assert {p.data.isfinite().all().item() for p in ours} == {True}


def test_momentum_may_be_switched_on_later_as_in_torch():
    ours = twins.parameters()
    theirs = twins.torch_parameters(ours)
    mine = optim.SGD(ours, lr=0.1, dampening=0.5)
    twin = torch.optim.SGD(theirs, lr=0.1, dampening=0.5)
    for number in range(6):
        if number == 3:
            mine.param_groups[0]["momentum"] = twin.param_groups[0]["momentum"] = 0.9
        for p, g in zip(theirs, twins.gradients(number, theirs), strict=True):
            p.grad = g
        twins.step(mine, number)
        twin.step()
    for p, q in zip(ours, theirs, strict=True):
        torch.testing.assert_close(p.data, q.detach(), rtol=0, atol=1e-12)
