"""Clipping against torch's, per replica."""

from __future__ import annotations

import math

import pytest
import torch

from chainrule import nn, optim
from tests.optim import twins

ORDERS = [2.0, 1.0, 3.5, math.inf]


def with_gradients(replicas=None, scale=1.0):
    ours = twins.parameters(replicas=replicas)
    twins.set_gradients(ours, [scale * g for g in twins.gradients(0, [p.data for p in ours])])
    return ours


def their(gradients):
    theirs = [torch.nn.Parameter(torch.zeros_like(g)) for g in gradients]
    for p, g in zip(theirs, gradients, strict=True):
        p.grad = g.clone()
    return theirs


def sources(ours, replicas):
    """The same parameters as a list, as an optimizer, as one of two groups."""
    groups = [{"params": ours[:1]}, {"params": ours[1:]}]
    return [
        lambda: (ours, {"replicas": replicas}),
        lambda: (optim.SGD(ours, replicas=replicas), {}),
        lambda: (optim.SGD(groups, replicas=replicas), {}),
    ]


@pytest.mark.parametrize("source", range(3))
@pytest.mark.parametrize("norm_type", ORDERS)
@pytest.mark.parametrize("max_norm", [0.5, 1e3])
def test_norm_of_a_plain_net(norm_type, max_norm, source):
    ours = with_gradients()
    theirs = their([p.grad for p in ours])
    given, kwargs = sources(ours, None)[source]()
    norm = optim.clip_grad_norm_(given, max_norm, norm_type, **kwargs)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    torch.testing.assert_close(norm, expected)
    for p, q in zip(ours, theirs, strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=1e-12, atol=0)


@pytest.mark.parametrize("source", range(3))
@pytest.mark.parametrize("norm_type", ORDERS)
@pytest.mark.parametrize("max_norm", [0.5, torch.tensor([0.1, 3.0, 1e3])])
def test_norm_per_replica(norm_type, max_norm, source):
    ours = with_gradients(3)
    theirs = [their([p.grad[k] for p in ours]) for k in range(3)]
    given, kwargs = sources(ours, 3)[source]()
    norm = optim.clip_grad_norm_(given, max_norm, norm_type, **kwargs)
    assert norm.shape == (3,)
    for k in range(3):
        bound = max_norm[k].item() if isinstance(max_norm, torch.Tensor) else max_norm
        expected = torch.nn.utils.clip_grad_norm_(theirs[k], bound, norm_type)
        torch.testing.assert_close(norm[k], expected)
        for p, q in zip(ours, theirs[k], strict=True):
            torch.testing.assert_close(p.grad[k], q.grad, rtol=1e-12, atol=0)


@pytest.mark.parametrize("source", range(3))
@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_a_gradient_that_is_not_finite_stays_in_its_replica(source, poison):
    ours, clean = with_gradients(3), with_gradients(3)
    ours[2].grad[1, 0, 0] = poison
    given, kwargs = sources(ours, 3)[source]()
    norm = optim.clip_grad_norm_(given, 0.5, **kwargs)
    optim.clip_grad_norm_(clean, 0.5, replicas=3)
    assert norm.isfinite().tolist() == [True, False, True]
    for p, q in zip(ours, clean, strict=True):
        torch.testing.assert_close(p.grad[::2], q.grad[::2], rtol=1e-12, atol=0)
    assert not ours[2].grad[1].isfinite().all()


def test_a_norm_that_is_not_finite_may_be_an_error_and_changes_nothing():
    ours = with_gradients(3)
    ours[0].grad[1] = math.inf
    before = ours[1].grad.clone()
    with pytest.raises(RuntimeError, match=r"norm of order 2\.0 is not finite"):
        optim.clip_grad_norm_(ours, 0.5, replicas=3, error_if_nonfinite=True)
    assert torch.equal(ours[1].grad, before)
    optim.clip_grad_norm_(ours[1:], 0.5, replicas=3, error_if_nonfinite=True)


@pytest.mark.parametrize("source", range(3))
def test_value(source):
    ours = with_gradients()
    expected = [p.grad.clamp(-0.3, 0.3) for p in ours]
    given, kwargs = sources(ours, None)[source]()
    optim.clip_grad_value_(given, torch.tensor(0.3) if source else 0.3, **kwargs)
    for p, g in zip(ours, expected, strict=True):
        torch.testing.assert_close(p.grad, g, rtol=1e-7, atol=0)


@pytest.mark.parametrize("source", range(3))
def test_value_per_replica(source):
    ours = with_gradients(3)
    ours[0].grad[1, 0, 0] = math.nan
    bounds = torch.tensor([0.1, 0.5, 9.0], dtype=torch.float64)
    expected = [
        torch.stack([g[k].clamp(-bounds[k], bounds[k]) for k in range(3)])
        for g in (p.grad for p in ours)
    ]
    given, kwargs = sources(ours, 3)[source]()
    optim.clip_grad_value_(given, bounds, **kwargs)
    for p, g in zip(ours, expected, strict=True):
        torch.testing.assert_close(p.grad, g, rtol=0, atol=0, equal_nan=True)


def test_a_module_knows_its_replicas_and_a_parameter_may_come_alone():
    cohort = nn.Linear(3, 4).replicate(2, seeds=[1, 2])
    cohort.weight.grad += 1
    assert optim.clip_grad_norm_(cohort, 1.0).tolist() == pytest.approx([12**0.5] * 2)
    assert optim.clip_grad_norm_(cohort.weight, 1.0).shape == ()
    optim.clip_grad_value_(cohort, 0.1)
    assert cohort.weight.grad.max() == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: optim.clip_grad_norm_([], 1.0), "there are no parameters"),
        (lambda: optim.clip_grad_norm_(with_gradients(), 1.0, 0), "an order above 0, got 0"),
        (
            lambda: optim.clip_grad_norm_(with_gradients(3), 1.0, replicas=2),
            r"2 replicas has shape",
        ),
        (
            lambda: optim.clip_grad_norm_(with_gradients(3), torch.ones(2), replicas=3),
            r"max_norm: expected a number or a tensor \(3,\)",
        ),
        (
            lambda: optim.clip_grad_value_(with_gradients(), torch.ones(2)),
            r"clip_value: expected a number or a tensor \(1,\)",
        ),
    ],
)
def test_wrong_calls(call, message):
    with pytest.raises(ValueError, match=message):
        call()
