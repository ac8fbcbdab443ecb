"""Activations with kinks: what happens exactly there is torch's choice."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn


@pytest.mark.parametrize(
    ("name", "arguments", "kinks"),
    [
        ("ReLU", (), (0,)),
        ("ReLU6", (), (0, 6)),
        ("LeakyReLU", (0.25,), (0,)),
        ("ELU", (0.5,), (0,)),
        ("CELU", (0.5,), (0,)),
        ("SELU", (), (0,)),
        ("Hardtanh", (-0.5, 1.5), (-0.5, 1.5)),
        ("Hardsigmoid", (), (-3, 3)),
        ("Hardswish", (), (-3, 3)),
        ("Hardshrink", (0.75,), (-0.75, 0, 0.75)),
        ("Softshrink", (0.75,), (-0.75, 0, 0.75)),
        ("Threshold", (0.75, -2.0), (0.75,)),
    ],
)
def test_the_slope_at_a_kink_is_torchs(name, arguments, kinks):
    x = torch.tensor(kinks, dtype=torch.float64, requires_grad=True)
    expected = getattr(torch.nn, name)(*arguments)(x)
    expected.sum().backward()
    layer = getattr(nn, name)(*arguments)
    y = layer(x.detach())
    assert torch.allclose(y, expected, rtol=1e-12)
    assert torch.allclose(layer.backward(torch.ones_like(y)), x.grad, rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.CELU(0), "alpha must not be 0"),
        (lambda: nn.Softshrink(-1), "lambd must be 0 or more, got -1"),
        (
            lambda: nn.GLU()(torch.zeros(2, 3)),
            r"expected dimension -1 to have halves, got \(2, 3\)",
        ),
        (lambda: nn.GLU(2)(torch.zeros(2, 4)), "a tensor that has dimension 2"),
    ],
)
def test_what_an_activation_cannot_take_is_said(make, message):
    with pytest.raises(ValueError, match=message):
        make()
