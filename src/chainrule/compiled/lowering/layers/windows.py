"""What windows of all kinds share: how many there are, where their rows lie, and margins.

Images (C, H, W) are rows of samples, one a pixel; a signal (C, L) is an image one pixel high.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from chainrule.compiled.lowering.ir import Pad
from chainrule.compiled.lowering.program import Program, Slice, Unsupported, Value, side_by_side
from chainrule.nn.module import Module
from chainrule.nn.replicated import Replicated

__all__ = [
    "Windows",
    "add_margin",
    "as_images",
    "count_windows",
    "drop_height",
    "row_offsets",
    "two_axes",
]


class Windows(NamedTuple):
    """The windows of a convolution: their size, step and dilation, those of x and of y."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    image: tuple[int, int]
    output: tuple[int, ...]

    def find_runs(self, n: int) -> tuple[int, Tensor]:
        """How many neighbours make one longer row, and where these rows begin in a channel."""
        (h, w), (down, across) = self.output, self.stride
        run = w if across == 1 else 1
        step = down, across if run == 1 else w
        return run, row_offsets(1, *self.image, (h, w // run), step, n)

    def entry_offsets(self, C: int, n: int) -> Tensor:
        """Where a window's entries lie in C channels, from its first one."""
        return row_offsets(C, *self.image, self.kernel, self.dilation, n)


def two_axes(sizes: Sequence[int], height: int = 1) -> tuple[int, int]:
    """Numbers along two axes; of one axis, ``height`` along the other."""
    first, last = (height, *sizes)[-2:]
    return first, last


def as_images(layer: Module, lanes: Sequence[Value], axes: int) -> list[Value]:
    """The lanes, samples of so many axes after the channels, as images (C, H, W)."""
    shape = lanes[0].shape
    if len(shape) != axes + 1:
        raise Unsupported(f"{layer.label()} of samples {shape}")
    image = (shape[0], *two_axes(shape[1:]))
    return [Value(image, value.slices) for value in lanes]


def drop_height(lanes: Sequence[Value], axes: int) -> list[Value]:
    """Images (C, H, W) as samples of so many axes after the channels."""
    (C, *sizes), *_ = (value.shape for value in lanes)
    return [Value((C, *sizes[-axes:]), value.slices) for value in lanes]


def add_margin(
    program: Program, lanes: list[Value], edges: Sequence[tuple[int, int]], fill: float
) -> list[Value]:
    """The lanes (C, H, W) with as many rows and columns of ``fill`` around them.

    Where the number is negative, so many are cut off.
    """
    (top, bottom), (left, right) = edges
    x, (C, H, W) = program.join_lanes(lanes), lanes[0].shape
    h, w, n = H + top + bottom, W + left + right, len(lanes) * program.batch_columns
    y = Slice(program.add_buffer(C * h * w, len(lanes)), 0, C * h * w)
    offsets = program.address(x)[0], program.address(y)[0]
    program.add_reader(Pad(*offsets, n, C, H, W, h, w, top, left, fill), x, len(lanes))
    if x.buffer in program.constants:
        program.constants.add(y.buffer)
    return side_by_side((C, h, w), y, len(lanes))


def count_windows(
    layer: Replicated,
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
