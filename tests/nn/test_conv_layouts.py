"""Each convolution is its formula, whatever lies in the memory that it is given.

torch's convolution with the channels innermost reads memory that nobody wrote for some shapes. What
it finds there is often right or zero; so before each call fresh memory is filled with NaN.
"""

from __future__ import annotations

import itertools
import random

import pytest
import torch
from torch import Tensor

from chainrule.nn.ops.conv import ConvParams, conv_forward, conv_input_grad, conv_weight_grad


def poison_free_memory(size: int) -> None:
    """The next tensors of up to about so many bytes lie where these NaN were."""
    sizes = [4, 16, 64, 256, 1024, 4096, size]
    tensors = [torch.full((n,), float("nan")) for n in sizes for _ in range(8)]
    del tensors


def mismatches(
    params: ConvParams, shape: tuple[int, ...], out: int, *, dtype: torch.dtype, innermost: bool
) -> list[str]:
    """Which of the three convolutions differ from themselves in float64, computed another way.

    In float64 torch's convolution goes by another path, without a layout.
    """
    generator = torch.Generator().manual_seed(sum(shape) + out)

    def draw(*sizes: int) -> Tensor:
        t = torch.randn(sizes, generator=generator).to(dtype)
        return t.contiguous(memory_format=torch.channels_last) if innermost else t

    x, w = draw(*shape), draw(out, shape[1] // params.groups, *params.kernel)
    expected = conv_forward(params, x.double(), w.double())
    g = draw(*expected.shape)
    sizes = x.shape[2:]
    found = {}
    for name, f, tensors, more in (
        ("forward", conv_forward, (x, w), {}),
        ("input_grad", conv_input_grad, (g, w), {"sizes": sizes}),
        ("weight_grad", conv_weight_grad, (x, g), {}),
    ):
        expected = f(params, *(t.double() for t in tensors), **more)
        poison_free_memory(expected.numel())
        found[name] = (f(params, *tensors, **more).double(), expected)
    tolerance = 1e-4 if dtype == torch.float32 else 0.03
    return [
        name
        for name, (y, expected) in found.items()
        if not torch.allclose(y, expected, 0, tolerance * (1 + expected.abs().max().item()))
    ]


@pytest.fixture
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_one_thread")
def test_one_channel_a_stride_along_the_width_and_one_column():
    """Of these, in the layout that the other shapes take, about half were wrong in float32."""
    wrong = []
    for kernel, out, stride, N in itertools.product(
        [(1, 3), (2, 2), (2, 3), (3, 3), (3, 5)], (1, 2, 17, 32), (2, 3, 4), (1, 3)
    ):
        params = ConvParams(kernel, (1, stride), (0, 0), (1, 1), 1)
        for width in range(kernel[1], kernel[1] + stride):
            shape = (N, 1, 6, width)
            if mismatches(params, shape, out, dtype=torch.float32, innermost=False):
                wrong.append((kernel, out, stride, shape))
    assert wrong == []


def test_a_stride_along_the_width_in_a_short_dtype():
    """Here the layout failed for more channels, too."""
    params = ConvParams((2, 4), (2, 4), (0, 0), (1, 1), 1)
    assert mismatches(params, (3, 16, 9, 4), 8, dtype=torch.bfloat16, innermost=True) == []


def test_the_layout_is_taken_wherever_it_is_right():
    """It is up to five times as fast, with a stride too."""
    strides = [(1, 1), (2, 2), (1, 2)]
    for stride, channels in itertools.product(strides, (1, 8)):
        params = ConvParams((3, 3), stride, (1, 1), (1, 1), 1)
        y = conv_forward(params, torch.randn(4, channels, 9, 9), torch.randn(8, channels, 3, 3))
        assert y.stride(1) == 1


def draw_case(draw: random.Random) -> tuple[ConvParams, tuple[int, ...], int] | None:
    """A small convolution: how its window moves, the shape of x and O; None if none fits."""
    groups = draw.choice((1, 1, 1, 1, 2, 3))
    channels, out = (
        groups * draw.choice(counts) for counts in ((1, 1, 1, 2, 3, 5, 8, 16), (1, 2, 5, 16, 33))
    )
    kernel = draw.randint(1, 7), draw.randint(1, 7)
    stride = draw.choice((1, 1, 2, 3)), draw.choice((1, 2, 3, 4, 7))
    dilation = draw.choice((1, 1, 2)), draw.choice((1, 1, 2))
    reach = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    padding = tuple(draw.choice((0, draw.randint(0, min(n, 3)))) for n in reach)
    sizes = draw.randint(1, 14), draw.randint(1, 14)
    if any(n + 2 * p <= r for n, p, r in zip(sizes, padding, reach, strict=True)):
        return None
    params = ConvParams(kernel, stride, padding, dilation, groups)
    return params, (draw.choice((1, 2, 3, 16, 20)), channels, *sizes), out


@pytest.mark.slow
@pytest.mark.usefixtures("_one_thread")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_small_convolutions_of_every_kind(dtype):
    draw = random.Random(5)
    wrong = []
    for _ in range(5_000):
        if case := draw_case(draw):
            innermost = draw.random() < 0.5
            if found := mismatches(*case, dtype=dtype, innermost=innermost):
                wrong.append((found, *case))
    assert wrong == []
