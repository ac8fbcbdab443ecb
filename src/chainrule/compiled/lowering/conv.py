"""From convolutions and pooling to a program's operations.

Images (C, H, W) are rows of samples, one a pixel: a window is a list of rows, and windows that are
neighbours along W, with a stride of 1, are one longer row.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from math import inf, prod
from typing import NamedTuple

import torch
from torch import Tensor

from chainrule import nn
from chainrule.compiled.lowering.ir import NOWHERE, Convolution, Pad, Pool
from chainrule.compiled.lowering.program import (
    Program,
    Slice,
    Unsupported,
    Value,
    side_by_side,
)
from chainrule.nn.layers.pooling import WindowPool
from chainrule.nn.module import Module
from chainrule.nn.ops.padding import pad

__all__ = ["lower_adaptive_pool", "lower_conv", "lower_maxout", "lower_pool"]

CACHE_LINE = 16
"""Numbers of at least one line of the cache, as in winograd.h."""
WINOGRAD_WINDOWS: dict[tuple[int, ...], int] = {(3, 3): 3, (2, 2): 2}
"""The windows that winograd.h knows."""
WINOGRAD_CHANNELS = 4
"""Of x, at least: with fewer the additions cost more than the products that they save. A first
layer 3 x 3 of 32 channels took 0.61 ms as it is defined and 0.93 so with 1 channel, 0.91 and 1.10
with 3."""
WINOGRAD_COLUMNS = 96
"""Columns of the matrices there, for tiles and samples: enough for a product, few for the cache."""


def lower_conv(program: Program, layer: nn.Conv1d | nn.Conv2d, lanes: list[Value]) -> list[Value]:
    """W ⋆ x + b of each lane, in a new buffer; a row is an image one pixel high."""
    C, *sizes = lanes[0].shape or (0,)
    if layer.in_channels != C or len(sizes) != layer.axes:
        raise Unsupported(f"{layer.label()} of samples {lanes[0].shape}")
    shape = (C, *two_axes(sizes))
    lanes = lower_padding(program, layer, [Value(shape, value.slices) for value in lanes])
    _, H, W = lanes[0].shape
    params = layer.params
    kernel, stride, dilation = map(two_axes, (params.kernel, params.stride, params.dilation))
    h, w = count_windows(layer, (H, W), kernel, stride, dilation)
    x, rows = program.join_lanes(lanes), layer.out_channels * h * w
    y = Slice(program.add_buffer(rows, len(lanes)), 0, rows)
    windows = Windows(kernel, stride, dilation, (H, W), (h, w))
    for group in range(layer.groups):
        add_convolution(program, layer, windows, x, y, group, len(lanes))
    return side_by_side((layer.out_channels, *([h, w] if layer.axes == 2 else [w])), y, len(lanes))


def two_axes(sizes: Sequence[int]) -> tuple[int, ...]:
    """Sizes along two axes; of one axis, 1 along the other."""
    return (1, *sizes)[-2:]


class Windows(NamedTuple):
    """The windows of a convolution: their size, step and dilation, those of x and of y."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    image: tuple[int, int]
    output: tuple[int, ...]


def add_convolution(
    program: Program,
    layer: nn.Conv1d | nn.Conv2d,
    windows: Windows,
    x: Slice,
    y: Slice,
    group: int,
    lanes: int,
) -> None:
    """One group of a layer's channels, from its part of x to its part of y."""
    kernel, stride, dilation, (H, W), (h, w) = windows
    C, O = layer.in_channels // layer.groups, layer.out_channels // layer.groups  # noqa: E741
    n, weights = lanes * program.batch_columns, O * C * prod(kernel)
    x = x._replace(row=x.row + group * C * H * W, rows=C * H * W)
    y = y._replace(row=y.row + group * O * h * w, rows=O * h * w)
    run = w if stride[1] == 1 else 1
    run_offsets = row_offsets(1, H, W, (h, w // run), (stride[0], stride[1] if run == 1 else w), n)
    plain = max(*stride, *dilation) > 1 or C < WINOGRAD_CHANNELS
    winograd = 0 if plain else WINOGRAD_WINDOWS.get(kernel, 0)
    bfloat16 = multiplies_bfloat16(program, layer) and winograd > 0
    bfloat16 = bfloat16 and C % program.bfloat16_channels == O % program.bfloat16_channels == 0
    block, kept, scratch = Block(0, 0), weights, 0
    if winograd:
        block, kept, scratch = winograd_sizes(winograd, bfloat16, (C, O, h, w), n)
    bias = program.parameter_offset(layer.bias)
    op = Convolution(
        weight=program.parameter_offset(layer.weight) + group * weights,
        bias=bias if bias == NOWHERE else bias + group * O,
        x=program.address(x)[0],
        y=program.address(y)[0],
        n=n,
        C=C,
        H=H,
        W=W,
        O=O,
        h=h,
        w=w,
        window_size=prod(kernel),
        num_runs=len(run_offsets),
        run_length=run,
        window_offsets=row_offsets(C, H, W, kernel, dilation, n),
        run_offsets=run_offsets,
        winograd=winograd,
        bfloat16=bfloat16,
        block_tiles=block.tiles,
        block_samples=block.samples,
        workspace=program.add_workspace(kept, scratch),
    )
    program.add_reader(op, x, lanes)


def multiplies_bfloat16(program: Program, layer: nn.Conv1d | nn.Conv2d) -> bool:
    """Whether the layer is to multiply in bfloat16."""
    if layer.matmul_dtype is None:
        return False
    if layer.matmul_dtype != torch.bfloat16 or not program.bfloat16_channels:
        raise Unsupported(f"products in {layer.matmul_dtype}")
    return True


class Block(NamedTuple):
    """So many of Winograd's tiles, of so many samples, are done at a time."""

    tiles: int
    samples: int


def winograd_block(tiles: int, n: int) -> Block:
    """What ``WINOGRAD_COLUMNS`` have room for, of all tiles of n samples, whole lines of them."""
    parts = -(-n // WINOGRAD_COLUMNS)
    samples = min(n, -(-n // parts // CACHE_LINE) * CACHE_LINE)
    return Block(min(tiles, max(1, WINOGRAD_COLUMNS // samples)), samples)


def winograd_sizes(
    window: int, bfloat16: bool, sizes: tuple[int, int, int, int], n: int
) -> tuple[Block, int, int]:
    """What is done at a time, and how many numbers that keeps for a step and needs meanwhile."""
    C, O, h, w = sizes  # noqa: E741
    tiles = -(-h // 2) * -(-w // 2)
    block = winograd_block(tiles, n)
    products, columns = (window + 1) ** 2, block.tiles * block.samples
    blocks = -(-tiles // block.tiles) * -(-n // block.samples)
    v, m, pairs = C * columns + CACHE_LINE, O * columns + CACHE_LINE, max(C, O) * columns // 2
    kept = (2 + bfloat16) * products * C * O + bfloat16 * blocks * products * v // 2
    scratch = block.samples + products * (v + m) + bfloat16 * (products * m // 2 + pairs)
    return block, kept, scratch


def lower_pool(program: Program, layer: WindowPool, lanes: list[Value]) -> list[Value]:
    """Maximum or mean over windows of each lane, in a new buffer."""
    _, *sizes = image_shape(layer, lanes)
    params, mean = layer.params, isinstance(layer, nn.AvgPool2d)
    axes = [
        window_axis(layer, *numbers)
        for numbers in zip(
            sizes, params.kernel, params.stride, params.padding, params.dilation, strict=True
        )
    ]
    if any(axis.before + axis.after for axis in axes):
        edges = [(axis.before, axis.after) for axis in axes]
        lanes = add_margin(program, lanes, edges, 0.0 if mean else -inf)
    divisors = None
    if isinstance(layer, nn.AvgPool2d):
        rows, columns = (axis.counts(layer.count_include_pad) for axis in axes)
        divisors = torch.outer(rows, columns).flatten()
        if layer.divisor_override is not None:
            divisors = torch.full_like(divisors, layer.divisor_override)
    return add_pool(program, layer, lanes, params.kernel, params.stride, params.dilation, divisors)


class WindowAxis(NamedTuple):
    """The windows of a pooling along one axis, and the margin that they need."""

    size: int
    kernel: int
    stride: int
    padding: int
    dilation: int
    windows: int
    before: int
    after: int

    def counts(self, with_padding: bool) -> Tensor:
        """How many entries of each window count in a mean, in float64."""
        low, high = (-self.padding, self.size + self.padding) if with_padding else (0, self.size)
        starts = torch.arange(self.windows)[:, None] * self.stride - self.padding
        places = starts + torch.arange(self.kernel) * self.dilation
        return ((places >= low) & (places < high)).sum(1).double()


def window_axis(
    layer: WindowPool, size: int, kernel: int, stride: int, padding: int, dilation: int
) -> WindowAxis:
    """As many windows as the layer has. Raises Unsupported where there is none."""
    span = (kernel - 1) * dilation + 1
    room = size + 2 * padding - span
    windows = (room + (stride - 1 if layer.ceil_mode else 0)) // stride + 1
    windows -= layer.ceil_mode and (windows - 1) * stride >= size + padding
    if windows < 1:
        raise Unsupported(f"{layer.label()} of {size} pixels")
    after = max(0, (windows - 1) * stride + span - size - padding)
    return WindowAxis(size, kernel, stride, padding, dilation, windows, padding, after)


def lower_adaptive_pool(
    program: Program, layer: nn.AdaptiveAvgPool2d, lanes: list[Value]
) -> list[Value]:
    """The means of regions of each lane, which have to be of one size."""
    _, *sizes = image_shape(layer, lanes)
    given = layer.output_size
    wanted = given if isinstance(given, list | tuple) else (given, given)
    counts = [size if want is None else want for size, want in zip(sizes, wanted, strict=True)]
    if any(size % count for size, count in zip(sizes, counts, strict=True)):
        raise Unsupported(f"{layer.label()} of samples {lanes[0].shape}")
    kernel = sizes[0] // counts[0], sizes[1] // counts[1]
    return add_pool(program, layer, lanes, kernel, kernel, (1, 1))


def lower_maxout(program: Program, layer: nn.Maxout, lanes: list[Value]) -> list[Value]:
    """The maximum of each k neighbouring channels of each lane, which are a window."""
    shape, k = lanes[0].shape, layer.k
    if not shape or not shape[0] or shape[0] % k:
        raise Unsupported(f"{layer.label()} of samples {shape}")
    channels, pixels = shape[0] // k, prod(shape[1:])
    images = [Value((channels, k, pixels), value.slices) for value in lanes]
    pooled = add_pool(program, layer, images, (k, 1), (k, 1), (1, 1))
    return [Value((channels, *shape[1:]), value.slices) for value in pooled]


def add_pool(
    program: Program,
    layer: Module,
    lanes: list[Value],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    divisors: Tensor | None = None,
) -> list[Value]:
    """The maximum or mean of windows of each lane (C, H, W), in a new buffer."""
    C, H, W = lanes[0].shape
    h, w = count_windows(layer, (H, W), kernel, stride, dilation)
    x, n = program.join_lanes(lanes), len(lanes) * program.batch_columns
    y = Slice(program.add_buffer(C * h * w, len(lanes)), 0, C * h * w)
    op = Pool(
        mean=not isinstance(layer, nn.MaxPool2d | nn.Maxout),
        x=program.address(x)[0],
        y=program.address(y)[0],
        n=n,
        C=C,
        channel_size=H * W * n,
        windows=h * w,
        window_size=prod(kernel),
        window_offsets=row_offsets(1, H, W, kernel, dilation, n),
        starts=row_offsets(1, H, W, (h, w), stride, n),
        divisors=divisors,
    )
    program.add_reader(op, x, len(lanes))
    return side_by_side((C, h, w), y, len(lanes))


def lower_padding(
    program: Program, layer: nn.Conv1d | nn.Conv2d, lanes: list[Value]
) -> list[Value]:
    """The lanes (C, H, W) with the layer's margin."""
    edges = [(0, 0), *layer.edges][-2:]
    if not any(a + b for a, b in edges):
        return lanes
    if layer.padding_mode == "zeros":
        return add_margin(program, lanes, edges, 0.0)
    _, H, W = lanes[0].shape
    places, _ = pad(torch.arange(H * W).reshape(H, W), layer.edges, layer.padding_mode)
    return [pick_pixels(value, places) for value in program.gather(lanes)]


def pick_pixels(value: Value, places: Tensor) -> Value:
    """The image (C, h, w) of the pixels of a value (C, H, W) that ``places`` (h, w) numbers."""
    (C, H, W), flat = value.shape, places.flatten().tolist()
    begins = [i for i, place in enumerate(flat) if i == 0 or place != flat[i - 1] + 1]
    runs = [(flat[a], b - a) for a, b in pairwise([*begins, len(flat)])]
    slices = [
        piece
        for channel in range(C)
        for start, length in runs
        for piece in value.slice_range(channel * H * W + start, channel * H * W + start + length)
    ]
    return Value((C, *places.shape), slices)


def add_margin(
    program: Program, lanes: list[Value], edges: Sequence[tuple[int, int]], fill: float
) -> list[Value]:
    """The lanes (C, H, W) with as many rows and columns of ``fill`` around them."""
    (top, bottom), (left, right) = edges
    x, (C, H, W) = program.join_lanes(lanes), lanes[0].shape
    h, w, n = H + top + bottom, W + left + right, len(lanes) * program.batch_columns
    y = Slice(program.add_buffer(C * h * w, len(lanes)), 0, C * h * w)
    offsets = program.address(x)[0], program.address(y)[0]
    program.add_reader(Pad(*offsets, n, C, H, W, h, w, top, left, fill), x, len(lanes))
    if x.buffer in program.constants:
        program.constants.add(y.buffer)
    return side_by_side((C, h, w), y, len(lanes))


def image_shape(
    layer: Module, lanes: Sequence[Value], channels: int | None = None
) -> tuple[int, ...]:
    """The shape of the lanes, which are images of so many channels."""
    shape = lanes[0].shape
    if len(shape) != 3 or (channels or shape[0]) != shape[0]:
        raise Unsupported(f"{layer.label()} of samples {shape}")
    return shape


def count_windows(
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
def row_offsets(
    C: int, H: int, W: int, count: Sequence[int], step: Sequence[int], n: int
) -> Tensor:
    """Where the rows of C x count[0] x count[1] pixels begin, which are ``step`` apart."""
    (h, w), (s, t) = count, step
    channels, down, across = torch.arange(C), torch.arange(h), torch.arange(w)
    pixels = channels[:, None, None] * (H * W) + down[:, None] * (s * W) + across * t
    return (n * pixels).flatten()
