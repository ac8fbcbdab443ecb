"""What is fast about conv_ops is the line of algebra that its docstring says."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn
from chainrule.nn.ops import conv as conv_ops
from chainrule.nn.ops.conv import (
    ConvParams,
    conv_forward,
    conv_input_grad,
    conv_weight_grad,
    stack_replicas,
)
from tests.nn.cases import odd

STEPS = [
    ConvParams((3, 3), (1, 1), (0, 0), (1, 1), 1),
    ConvParams((2, 3), (2, 1), (1, 0), (1, 2), 1),
    ConvParams((2, 2), (1, 2), (0, 1), (2, 1), 2),
    ConvParams((1, 1), (1, 1), (0, 0), (1, 1), 4),
    ConvParams((3,), (2,), (1,), (2,), 2),
]
every = pytest.mark.parametrize("steps", STEPS, ids=str)
layouts = pytest.mark.parametrize("innermost", [False, True], ids=["rows", "channels"])


def tensors(steps: ConvParams, innermost: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """x, W and g = dL/dy, with channels innermost in memory or not."""
    axes = len(steps.kernel)
    x, w = odd(5, 4, *(9, 8)[:axes]), odd(8, 4 // steps.groups, *steps.kernel, seed=1)
    g = odd(*conv_forward(steps, x, w).shape, seed=2)
    if innermost and axes == 2:
        x, g = (t.contiguous(memory_format=torch.channels_last) for t in (x, g))
    return x, w, g


@every
@layouts
def test_both_gradients_are_those_of_the_sum(steps, innermost):
    """L = Σ g (W ⋆ x) is linear in x and in W: both gradients give L back."""
    x, w, g = tensors(steps, innermost)
    total = (g * conv_forward(steps, x, w)).sum()
    dx, dw = conv_input_grad(steps, g, w, sizes=x.shape[2:]), conv_weight_grad(steps, x, g)
    assert (dx.shape, dw.shape) == (x.shape, w.shape)
    torch.testing.assert_close((dx * x).sum(), total)
    torch.testing.assert_close((dw * w).sum(), total)


@layouts
def test_the_weight_gradient_is_windows_times_g(innermost):
    steps = STEPS[0]
    x, _, g = tensors(steps, innermost)
    windows = x.unfold(2, 3, 1).unfold(3, 3, 1)
    expected = torch.einsum("nchwij,nohw->ocij", windows, g)
    torch.testing.assert_close(conv_weight_grad(steps, x, g), expected)


@every
def test_a_few_samples_at_a_time_are_all_of_them(steps, monkeypatch):
    x, _, g = tensors(steps, True)
    whole = conv_weight_grad(steps, x, g)
    for size in (1, 20_000):
        monkeypatch.setattr(conv_ops, "CHUNK_BYTES", size)
        torch.testing.assert_close(conv_weight_grad(steps, x, g), whole)


@pytest.mark.parametrize("K", [None, 2], ids=["plain", "cohort"])
def test_channels_stay_innermost_from_the_first_layer_to_the_last(K):
    """One input channel has no order; the output has, and what follows keeps it."""
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 2))
    x = torch.randn(3, 1, 9, 9)
    if K is not None:
        net, x = net.replicate(K), torch.stack([x] * K)
    seen = []
    for layer in net:
        x, rule = layer.forward(x)
        seen.append(x)
    seen.append(rule(x))
    assert all(t.stride(t.dim() - 3) == 1 for t in seen)


def test_a_stack_keeps_the_order_of_memory():
    parts = [torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last) for _ in "ab"]
    whole = stack_replicas(2, torch.float32, iter(parts))
    assert torch.equal(whole, torch.stack(parts))
    assert whole[0].stride() == parts[0].stride()


@pytest.mark.parametrize("K", [None, 2], ids=["plain", "cohort"])
def test_products_in_bfloat16_leave_the_rest_in_float32(K):
    layer, x = nn.Conv2d(3, 8, 3), torch.randn(20, 3, 9, 9)
    if K is not None:
        layer, x = layer.replicate(K), torch.stack([x] * K)
    g = torch.randn(*layer(x).shape)
    results = []
    for dtype in (None, torch.bfloat16):
        layer.set_matmul_dtype(dtype).zero_grad()
        results.append([layer(x), layer.backward(g), layer.weight.grad.clone()])
    for exact, rounded in zip(*results, strict=True):
        assert rounded.dtype == torch.float32
        assert 1e-4 < (rounded - exact).norm() / exact.norm() < 1e-2
    assert layer.weight.data.dtype == torch.float32
