"""From convolutions and pooling to a program's operations.

Images (C, H, W) are rows of samples, one a pixel: a window is a list of rows, and windows that are
neighbours along W, with a stride of 1, are one longer row.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod

import torch
from torch import Tensor

from chainrule import nn
from chainrule.compiled.lowering.ir import (
    CONVOLUTION,
    LINE,
    NOWHERE,
    PADDING,
    POOLING,
    Op,
    Part,
    Program,
    Unsupported,
    Value,
)
from chainrule.nn.layers.pooling import Pool2d
from chainrule.nn.module import Module

__all__ = ["convolution", "pooling"]

FEWER: dict[tuple[int, ...], int] = {(3, 3): 3, (2, 2): 2}
"""The windows that winograd.h knows."""
TILES = 96
"""Columns of the matrices there, for tiles and samples: enough for a product, few for the cache."""


def convolution(program: Program, layer: nn.Conv2d, lanes: list[Value]) -> list[Value]:
    """W ⋆ x + b of each lane, in a new array."""
    if layer.groups > 1:
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
    short = int(in_bfloat16(program, layer) and bool(fewer) and C % 8 == O % 8 == 0)
    some, kept, needed = 0, C * O * prod(kernel), 0
    if fewer:
        some, kept, needed = tiled(fewer, short, (C, O, h, w), n)
    room = program.keep(kept, needed)
    bias = NOWHERE if layer.bias is None else program.of(layer.bias)
    weight = program.of(layer.weight)
    place, to = program.arrays[source].place, program.arrays[made].place
    a = [weight, bias, place, to, n, C, H, W, O, h, w, prod(kernel), len(starts), run]
    op = Op(CONVOLUTION, [*a, reach.data_ptr(), starts.data_ptr(), fewer, short, some, room, 0])
    op.lists, op.moves = [reach, starts], source
    program.add(op, writes=weight)
    return [Value((O, h, w), [Part(made, 0, O * h * w, i)]) for i in range(lane)]


def in_bfloat16(program: Program, layer: nn.Conv2d) -> bool:
    """Whether the layer is to multiply in bfloat16."""
    if layer.matmul_dtype is None:
        return False
    if layer.matmul_dtype != torch.bfloat16 or not program.bfloat16:
        raise Unsupported(f"products in {layer.matmul_dtype}")
    return True


def tiled(fewer: int, short: int, sizes: tuple[int, ...], n: int) -> tuple[int, int, int]:
    """Winograd's tiles: how many rows of them are done at a time.

    And how many numbers that keeps for a step, and needs while it is done.
    """
    C, O, h, w = sizes  # noqa: E741
    down, across = -(-h // 2), -(-w // 2) * n
    some = min(down, max(1, TILES // across))
    products, columns = (fewer + 1) ** 2, some * across
    v, m, pairs = C * columns + LINE, O * columns + LINE, max(C, O) * columns // 2
    kept = (2 + short) * products * C * O + short * -(-down // some) * products * v // 2
    return some, kept, n + products * (v + m) + short * (products * m // 2 + pairs)


def pooling(program: Program, layer: Pool2d, lanes: list[Value]) -> list[Value]:
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
) -> tuple[int, ...]:
    """How many windows there are along each axis."""
    axes = zip(sizes, kernel, stride, dilation, strict=True)
    found = tuple((n - (k - 1) * d - 1) // s + 1 for n, k, s, d in axes)
    if min(found) < 1:
        raise Unsupported(f"{layer.label()} of samples {sizes}")
    return found


@lru_cache(maxsize=256)
def rows(C: int, H: int, W: int, count: Sequence[int], step: Sequence[int], n: int) -> Tensor:
    """Where the rows of C x count[0] x count[1] pixels begin, which are ``step`` apart."""
    (h, w), (s, t) = count, step
    channels, down, across = torch.arange(C), torch.arange(h), torch.arange(w)
    places = channels[:, None, None] * (H * W) + down[:, None] * (s * W) + across * t
    return (n * places).flatten()
