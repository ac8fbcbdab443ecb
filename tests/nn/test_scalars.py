"""Inputs of 0 dimensions: one number, as torch takes it."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn

ACTIVATIONS = [
    *("ELU", "GELU", "SELU", "Hardtanh", "Identity", "LeakyReLU", "PReLU", "ReLU", "SiLU"),
    *("Sigmoid", "Softplus", "Softsign", "Tanh", "ReLU6", "CELU", "Mish", "LogSigmoid"),
    *("Tanhshrink", "Hardswish", "Hardshrink", "Softshrink"),
]


@pytest.mark.parametrize("value", [-0.7, 0.4])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_of_one_number_is_torchs(name, value):
    x = torch.tensor(value, dtype=torch.float64, requires_grad=True)
    layer, twin = getattr(nn, name)().to(torch.float64), getattr(torch.nn, name)().double()
    twin(x).backward()
    y = layer(x.detach())
    dx = layer.backward(torch.ones_like(y))
    assert y.shape == dx.shape == ()
    assert torch.allclose(y, twin(x))
    assert torch.allclose(dx, x.grad)
    for ours, theirs in zip(layer.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_cohort_takes_one_number_a_replica(name):
    x = torch.tensor([-0.7, 0.4])
    cohort = getattr(nn, name)().replicate(2)
    y = cohort(x)
    dx = cohort.backward(torch.ones(2))
    for k in range(2):
        alone = cohort.replica(k)
        assert torch.equal(alone(x[k]), y[k])
        assert torch.equal(alone.backward(torch.tensor(1.0)), dx[k])
