"""From convolutions and pooling to a program's operations.

Images (C, H, W) are rows of samples, one a pixel: a window is a list of rows, and windows that are
neighbours along W, with a stride of 1, are one longer row.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

from chainrule import nn
from chainrule.nn.module import Module
from chainrule.nn.pool import Windows
from chainrule.train.fast.program import (
    CONVOLUTION,
    NOWHERE,
    PADDING,
    POOLING,
    Op,
    Part,
    Program,
    Unsupported,
    Value,
)

__all__ = ["convolution", "pooling"]

FEWER: dict[tuple[int, ...], int] = {(3, 3): 3, (2, 2): 2}
"""The windows that winograd.h knows."""
LINE = 16
"""Numbers between the matrices there."""


def convolution(program: Program, layer: nn.Conv2d, lanes: list[Value]) -> list[Value]:
    """W ⋆ x + b of each lane, in a new array."""
    if layer.groups > 1 or layer.product_dtype is not None:
        raise Unsupported(layer.label())
    image(layer, lanes, layer.in_channels)
    lanes = padded(program, layer, lanes)
    source, (C, H, W) = program.images(lanes), lanes[0].shape
    kernel, stride, dilation = layer._kernel, layer._stride, layer._dilation
    h, w = counts(layer, (H, W), kernel, stride, dilation)
    O, lane = layer.out_channels, len(lanes)  # noqa: E741
    made, n = program.array(O * h * w, lane), lane * program.columns
    run = w if stride[1] == 1 else 1
    reach = rows(C, H, W, kernel, dilation, n)
    starts = rows(1, H, W, (h, w // run), (stride[0], stride[1] if run == 1 else w), n)
    fewer = FEWER.get(kernel, 0) if max(*stride, *dilation) == 1 else 0
    room = program.keep(*memory(program, fewer, C * O * prod(kernel), (C, O, h, w), n))
    bias = NOWHERE if layer.bias is None else program.of(layer.bias)
    weight = program.of(layer.weight)
    place, to = program.arrays[source].place, program.arrays[made].place
    a = [weight, bias, place, to, n, C, H, W, O, h, w, prod(kernel), len(starts), run]
    op = Op(CONVOLUTION, [*a, reach.data_ptr(), starts.data_ptr(), fewer, room, 0])
    op.lists, op.moves = [reach, starts], source
    program.add(op, writes=weight)
    return [Value((O, h, w), [Part(made, 0, O * h * w, i)]) for i in range(lane)]


def memory(
    program: Program, fewer: int, weights: int, sizes: tuple[int, ...], n: int
) -> tuple[int, int]:
    """What a convolution keeps for a step, and what it needs while it is done."""
    if not fewer:
        return weights, 0
    C, O, h, w = sizes  # noqa: E741
    products, tiles = (fewer + 1) ** 2, -(-h // 2) * -(-w // 2)
    return 2 * products * C * O, n + products * ((C + O) * tiles * n + 2 * LINE)


def pooling(program: Program, layer: Windows, lanes: list[Value]) -> list[Value]:
    """Maximum or mean over windows of each lane, in a new array."""
    mean = isinstance(layer, nn.AvgPool2d)
    if any(layer._padding) or layer.ceil_mode:
        raise Unsupported(layer.label())
    if isinstance(layer, nn.AvgPool2d) and layer.divisor_override is not None:
        raise Unsupported(layer.label())
    C, H, W = image(layer, lanes)
    kernel, stride, dilation = layer._kernel, layer._stride, layer._dilation
    h, w = counts(layer, (H, W), kernel, stride, dilation)
    source = program.images(lanes)
    made, n = program.array(C * h * w, len(lanes)), len(lanes) * program.columns
    reach, starts = rows(1, H, W, kernel, dilation, n), rows(1, H, W, (h, w), stride, n)
    place, to = program.arrays[source].place, program.arrays[made].place
    a = [int(mean), place, to, n, C, H * W * n, h * w, prod(kernel)]
    op = Op(POOLING, [*a, reach.data_ptr(), starts.data_ptr()])
    op.lists, op.moves = [reach, starts], source
    program.add(op)
    return [Value((C, h, w), [Part(made, 0, C * h * w, i)]) for i in range(len(lanes))]


def padded(program: Program, layer: nn.Conv2d, lanes: list[Value]) -> list[Value]:
    """The lanes with the layer's margin of zeros."""
    (top, bottom), (left, right) = layer._edges
    if not top + bottom + left + right:
        return lanes
    if layer.padding_mode != "zeros":
        raise Unsupported(layer.label())
    source, (C, H, W) = program.images(lanes), lanes[0].shape
    h, w, n = H + top + bottom, W + left + right, len(lanes) * program.columns
    made = program.array(C * h * w, len(lanes))
    place, to = program.arrays[source].place, program.arrays[made].place
    program.add(Op(PADDING, [place, to, n, C, H, W, h, w, top, left], moves=source))
    if source in program.data:
        program.data.add(made)
    return [Value((C, h, w), [Part(made, 0, C * h * w, i)]) for i in range(len(lanes))]


def image(layer: Module, lanes: Sequence[Value], channels: int | None = None) -> tuple[int, ...]:
    """The shape of the lanes, which are images of so many channels."""
    shape = lanes[0].shape
    if len(shape) != 3 or (channels or shape[0]) != shape[0]:
        raise Unsupported(f"{layer.label()} of samples {shape}")
    return shape


def counts(
    layer: Module,
    sizes: tuple[int, int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
) -> list[int]:
    """How many windows there are along each axis."""
    axes = zip(sizes, kernel, stride, dilation, strict=True)
    found = [(n - (k - 1) * d - 1) // s + 1 for n, k, s, d in axes]
    if min(found) < 1:
        raise Unsupported(f"{layer.label()} of samples {sizes}")
    return found


def rows(C: int, H: int, W: int, count: Sequence[int], step: Sequence[int], n: int) -> Tensor:
    """Where the rows of C x count[0] x count[1] pixels begin, which are ``step`` apart."""
    (h, w), (s, t) = count, step
    channels, down, across = torch.arange(C), torch.arange(h), torch.arange(w)
    places = channels[:, None, None] * (H * W) + down[:, None] * (s * W) + across * t
    return (n * places).flatten()
