"""From pooling to a program's operations."""

from __future__ import annotations

from math import inf, prod
from typing import NamedTuple

import torch
from torch import Tensor

from chainrule import nn
from chainrule.compiled.lowering.ir import Pool
from chainrule.compiled.lowering.layers.resample import add_resampling
from chainrule.compiled.lowering.layers.windows import (
    add_margin,
    as_images,
    count_windows,
    drop_height,
    row_offsets,
    two_axes,
)
from chainrule.compiled.lowering.program import Program, Slice, Unsupported, Value, side_by_side
from chainrule.nn.layers.pooling import AdaptivePool, WindowPool
from chainrule.nn.replicated import Replicated

__all__ = ["lower_adaptive_pool", "lower_maxout", "lower_pool"]


def lower_pool(program: Program, layer: WindowPool, lanes: list[Value]) -> list[Value]:
    """Maximum or mean over windows of each lane, in a new buffer."""
    lanes = as_images(layer, lanes, layer.axes)
    kernel, stride, padding, dilation = layer.params
    kernel, stride, dilation = map(two_axes, (kernel, stride, dilation))
    sizes, padding = lanes[0].shape[1:], two_axes(padding, 0)
    axes = [
        window_axis(layer, *numbers)
        for numbers in zip(sizes, kernel, stride, padding, dilation, strict=True)
    ]
    mean = isinstance(layer, nn.AvgPool1d | nn.AvgPool2d)
    if any(axis.before + axis.after for axis in axes):
        edges = [(axis.before, axis.after) for axis in axes]
        lanes = add_margin(program, lanes, edges, 0.0 if mean else -inf)
    divisors = None
    if isinstance(layer, nn.AvgPool1d | nn.AvgPool2d):
        rows, columns = (axis.counts(layer.count_include_pad) for axis in axes)
        divisors = torch.outer(rows, columns).flatten()
        if isinstance(layer, nn.AvgPool2d) and layer.divisor_override is not None:
            divisors = torch.full_like(divisors, layer.divisor_override)
    lanes = add_pool(program, layer, lanes, kernel, stride, dilation, divisors, mean=mean)
    return drop_height(lanes, layer.axes)


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


def lower_adaptive_pool(program: Program, layer: AdaptivePool, lanes: list[Value]) -> list[Value]:
    """The means or maxima of regions of each lane; for a maximum they have to be of one size."""
    lanes = as_images(layer, lanes, layer.axes)
    sizes, given = lanes[0].shape[1:], layer.output_size
    several = (*given,) if isinstance(given, list | tuple) else (given,)
    wanted = (None, *(several * layer.axes if len(several) == 1 else several))[-2:]
    counts = [size if want is None else want for size, want in zip(sizes, wanted, strict=True)]
    mean = isinstance(layer, nn.AdaptiveAvgPool1d | nn.AdaptiveAvgPool2d)
    if not any(size % count for size, count in zip(sizes, counts, strict=True)):
        kernel = sizes[0] // counts[0], sizes[1] // counts[1]
        lanes = add_pool(program, layer, lanes, kernel, kernel, (1, 1), mean=mean)
    elif mean:
        taps = map(region_taps, sizes, counts)
        lanes = add_resampling(program, lanes, *taps)
    else:
        raise Unsupported(f"{layer.label()} of samples {lanes[0].shape}")
    return drop_height(lanes, layer.axes)


def region_taps(n: int, count: int) -> list[list[tuple[int, float]]]:
    """What each of so many regions of an axis of n entries is the mean of."""
    regions = [(i * n // count, -((i + 1) * -n // count)) for i in range(count)]
    return [[(i, 1 / (end - begin)) for i in range(begin, end)] for begin, end in regions]


def lower_maxout(program: Program, layer: nn.Maxout, lanes: list[Value]) -> list[Value]:
    """The maximum of each k neighbouring channels of each lane, which are a window."""
    shape, k = lanes[0].shape, layer.k
    if not shape or not shape[0] or shape[0] % k:
        raise Unsupported(f"{layer.label()} of samples {shape}")
    channels, pixels = shape[0] // k, prod(shape[1:])
    images = [Value((channels, k, pixels), value.slices) for value in lanes]
    pooled = add_pool(program, layer, images, (k, 1), (k, 1), (1, 1), mean=False)
    return [Value((channels, *shape[1:]), value.slices) for value in pooled]


def add_pool(
    program: Program,
    layer: Replicated,
    lanes: list[Value],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    divisors: Tensor | None = None,
    *,
    mean: bool,
) -> list[Value]:
    """The maximum or mean of windows of each lane (C, H, W), in a new buffer."""
    C, H, W = lanes[0].shape
    h, w = count_windows(layer, (H, W), kernel, stride, dilation)
    x, n = program.join_lanes(lanes), len(lanes) * program.batch_columns
    y = Slice(program.add_buffer(C * h * w, len(lanes)), 0, C * h * w)
    op = Pool(
        mean=mean,
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
