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
from chainrule.compiled.lowering.ir import Convolution, Pad, Pool
from chainrule.compiled.lowering.program import (
    Program,
    Slice,
    Unsupported,
    Value,
    side_by_side,
)
from chainrule.nn.layers.pooling import Pool2d
from chainrule.nn.module import Module

__all__ = ["lower_adaptive_pool", "lower_conv", "lower_maxout", "lower_pool"]

CACHE_LINE = 16
"""Numbers of at least one line of the cache, as in winograd.h."""
WINOGRAD_WINDOWS: dict[tuple[int, ...], int] = {(3, 3): 3, (2, 2): 2}
"""The windows that winograd.h knows."""
WINOGRAD_COLUMNS = 96
"""Columns of the matrices there, for tiles and samples: enough for a product, few for the cache."""


def lower_conv(program: Program, layer: nn.Conv2d, lanes: list[Value]) -> list[Value]:
    """W ⋆ x + b of each lane, in a new buffer."""
    if layer.groups > 1:
        raise Unsupported(layer.label())
    image_shape(layer, lanes, layer.in_channels)
    lanes = lower_padding(program, layer, lanes)
    x, (C, H, W) = program.join_lanes(lanes), lanes[0].shape
    kernel, stride, dilation = layer.params.kernel, layer.params.stride, layer.params.dilation
    h, w = count_windows(layer, (H, W), kernel, stride, dilation)
    O, n = layer.out_channels, len(lanes) * program.batch_columns  # noqa: E741
    y = Slice(program.add_buffer(O * h * w, len(lanes)), 0, O * h * w)
    run = w if stride[1] == 1 else 1
    run_step = (stride[0], stride[1] if run == 1 else w)
    run_offsets = row_offsets(1, H, W, (h, w // run), run_step, n)
    winograd = WINOGRAD_WINDOWS.get(kernel, 0) if max(*stride, *dilation) == 1 else 0
    bfloat16 = multiplies_bfloat16(program, layer) and winograd > 0 and C % 8 == O % 8 == 0
    tile_rows, kept, scratch = 0, C * O * prod(kernel), 0
    if winograd:
        tile_rows, kept, scratch = winograd_sizes(winograd, bfloat16, (C, O, h, w), n)
    op = Convolution(
        weight=program.parameter_offset(layer.weight),
        bias=program.parameter_offset(layer.bias),
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
        tile_rows=tile_rows,
        workspace=program.add_workspace(kept, scratch),
    )
    program.add_reader(op, x, len(lanes))
    return side_by_side((O, h, w), y, len(lanes))


def multiplies_bfloat16(program: Program, layer: nn.Conv2d) -> bool:
    """Whether the layer is to multiply in bfloat16."""
    if layer.matmul_dtype is None:
        return False
    if layer.matmul_dtype != torch.bfloat16 or not program.bfloat16:
        raise Unsupported(f"products in {layer.matmul_dtype}")
    return True


def winograd_sizes(
    window: int, bfloat16: bool, sizes: tuple[int, int, int, int], n: int
) -> tuple[int, int, int]:
    """How many rows of Winograd's tiles are done at a time.

    And how many numbers that keeps for a step, and needs while it is done.
    """
    C, O, h, w = sizes  # noqa: E741
    down, across = -(-h // 2), -(-w // 2) * n
    tile_rows = min(down, max(1, WINOGRAD_COLUMNS // across))
    products, columns = (window + 1) ** 2, tile_rows * across
    v, m, pairs = C * columns + CACHE_LINE, O * columns + CACHE_LINE, max(C, O) * columns // 2
    kept = (2 + bfloat16) * products * C * O + bfloat16 * -(-down // tile_rows) * products * v // 2
    scratch = n + products * (v + m) + bfloat16 * (products * m // 2 + pairs)
    return tile_rows, kept, scratch


def lower_pool(program: Program, layer: Pool2d, lanes: list[Value]) -> list[Value]:
    """Maximum or mean over windows of each lane, in a new buffer."""
    if any(layer.params.padding) or layer.ceil_mode:
        raise Unsupported(layer.label())
    if isinstance(layer, nn.AvgPool2d) and layer.divisor_override is not None:
        raise Unsupported(layer.label())
    image_shape(layer, lanes)
    return add_pool(
        program, layer, lanes, layer.params.kernel, layer.params.stride, layer.params.dilation
    )


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
    )
    program.add_reader(op, x, len(lanes))
    return side_by_side((C, h, w), y, len(lanes))


def lower_padding(program: Program, layer: nn.Conv2d, lanes: list[Value]) -> list[Value]:
    """The lanes with the layer's margin of zeros."""
    (top, bottom), (left, right) = layer.edges
    if not top + bottom + left + right:
        return lanes
    if layer.padding_mode != "zeros":
        raise Unsupported(layer.label())
    x, (C, H, W) = program.join_lanes(lanes), lanes[0].shape
    h, w, n = H + top + bottom, W + left + right, len(lanes) * program.batch_columns
    y = Slice(program.add_buffer(C * h * w, len(lanes)), 0, C * h * w)
    offsets = program.address(x)[0], program.address(y)[0]
    program.add_reader(Pad(*offsets, n, C, H, W, h, w, top, left), x, len(lanes))
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
