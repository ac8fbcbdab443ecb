"""Pooling: MaxPool2d, AvgPool2d, AdaptiveAvgPool2d; Maxout, which pools channels.

C channels, H W height and width, k kernel, s stride; … is any of the replica axis K and N samples.
A *tap* is one place in the window: the entries of x that stand there, for all windows at once, are
a strided view of x, as large as y. Pooling is a maximum or a sum over the k² taps.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator
from functools import reduce
from math import prod
from typing import NamedTuple, final

import torch
from torch import Tensor

from chainrule.nn.errors import LayerError, check_input, describe_shape
from chainrule.nn.module import Module
from chainrule.nn.ops.max_pool import max_along_axis
from chainrule.nn.ops.padding import to_tuple
from chainrule.nn.vjp import BackwardFn

__all__ = ["AdaptiveAvgPool2d", "AvgPool2d", "MaxPool2d", "Maxout"]

Sizes = int | tuple[int, int]


class PoolParams(NamedTuple):
    """How a window moves: k, s, p and d, along H and W."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]

    @property
    def span(self) -> list[int]:
        """(k − 1) d + 1: from a window's first entry to its last."""
        return [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]


class Pool2d(Module, ABC):
    """A layer that slides a window over the last two axes."""

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None,
        padding: Sizes,
        ceil_mode: bool,
        dilation: Sizes = 1,
    ) -> None:
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.ceil_mode = ceil_mode
        kernel = to_tuple("kernel_size", kernel_size, 2, 1)
        self.params = PoolParams(
            kernel,
            kernel if stride is None else to_tuple("stride", stride, 2, 1),
            to_tuple("padding", padding, 2, 0),
            to_tuple("dilation", dilation, 2, 1),
        )
        if any(2 * p > k for p, k in zip(self.params.padding, kernel, strict=True)):
            raise ValueError(
                f"padding is at most half of kernel_size {kernel_size!r}, got {padding!r}"
            )

    def _output_size(self, x: Tensor) -> list[int]:
        """Height and width of the output: windows that start in x or in the padding before it."""
        check_input(
            self,
            x,
            "input (N, C, H, W) or (C, H, W)",
            lambda x: x.dim() - self.num_replica_dims in (3, 4),
        )
        sizes = []
        axes = zip(
            x.shape[-2:], self.params.span, self.params.stride, self.params.padding, strict=True
        )
        for n, span, s, p in axes:
            room = n + 2 * p - span
            count = (room + (s - 1 if self.ceil_mode else 0)) // s + 1
            count -= self.ceil_mode and (count - 1) * s >= n + p
            sizes.append(count if n else 0)
        if min(sizes) < 1:
            raise LayerError(
                self, f"expected H and W no smaller than a window, got {describe_shape(x)}"
            )
        return sizes

    def _pad(self, x: Tensor, sizes: list[int], fill: float) -> Tensor:
        """x with a margin of ``fill``, so that every tap of every window is there."""
        edges: list[int] = []
        axes = zip(
            x.shape[-2:],
            sizes,
            self.params.span,
            self.params.stride,
            self.params.padding,
            strict=True,
        )
        for n, count, span, s, p in axes:
            edges = [p, max(0, (count - 1) * s + span - n - p), *edges]
        return torch.constant_pad_nd(x, edges, fill) if any(edges) else x

    def _window_views(self, x: Tensor, sizes: list[int]) -> Iterator[Tensor]:
        """The taps of a widened x, in the order of scanning a window."""
        (h, w), (s, t), (d, e) = sizes, self.params.stride, self.params.dilation
        for i in range(0, self.params.span[0], d):
            for j in range(0, self.params.span[1], e):
                yield x[..., i : i + (h - 1) * s + 1 : s, j : j + (w - 1) * t + 1 : t]


@final
class MaxPool2d(Pool2d):
    """y = max of x over each window        x (…, C, H, W)   y (…, C, H', W')

    dL/dx = Σ g of the windows whose maximum the entry is; of equal maxima, the first one's

    Padding never wins. A window with nan gives nan. The arguments are torch's, but
    ``return_indices``: ValueError. Raises LayerError unless x has 3 or 4 axes and holds a window.
    """

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        if return_indices:
            raise ValueError("return_indices must be False: a layer returns its output alone")
        self.dilation, self.return_indices = dilation, return_indices
        super().__init__(kernel_size, stride, padding, ceil_mode, dilation)

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        sizes = self._output_size(x)
        if self._is_tiled(x, sizes):
            rows, across = max_along_axis(x, -1, self.params.kernel[1])
            y, down = max_along_axis(rows, -2, self.params.kernel[0])
            return (
                y,
                lambda g: across(down(g)) if y.sum().isfinite() else self._scatter_grad(x, y, g),
            )
        y = reduce(torch.maximum, self._window_views(self._pad(x, sizes, float("-inf")), sizes))
        return y, lambda g: self._scatter_grad(x, y, g)

    def _is_tiled(self, x: Tensor, sizes: list[int]) -> bool:
        """Whether the windows lie side by side within x: no entry is in two of them."""
        axes = zip(x.shape[-2:], sizes, self.params.kernel, strict=True)
        tiled = self.params.stride == self.params.kernel and max(self.params.dilation) == 1
        return tiled and not any(self.params.padding) and all(m * k <= n for n, m, k in axes)

    def _scatter_grad(self, x: Tensor, y: Tensor, g: Tensor) -> Tensor:
        """dL/dx for any windows: each g to the place of its maximum."""
        dx = x.new_zeros(x.shape).flatten(-2)
        return dx.scatter_add_(-1, self._argmax_positions(x, y), g.flatten(-2)).view(x.shape)

    def _argmax_positions(self, x: Tensor, y: Tensor) -> Tensor:
        """Where in its flattened (H, W) each window's maximum is        (…, C, H'·W')"""
        tap, width = self._argmax_tap(x, y).flatten().long(), x.shape[-1]
        (s, t), (p, q), (d, e) = self.params.stride, self.params.padding, self.params.dilation
        down, across = (torch.arange(n, device=x.device) for n in y.shape[-2:])
        start = (down * s - p).unsqueeze(-1) * width + (across * t - q)
        rows, columns = (torch.arange(k, device=x.device) for k in self.params.kernel)
        offset = (rows * d).unsqueeze(-1) * width + columns * e
        return (offset.flatten().index_select(0, tap).view(y.shape) + start).flatten(-2)

    def _argmax_tap(self, x: Tensor, y: Tensor) -> Tensor:
        """The number of the tap that is the maximum: how many come before the first such."""
        sizes, few = [*y.shape[-2:]], prod(self.params.kernel) < 256
        missing = torch.ones_like(y, dtype=torch.uint8 if few else torch.int64)
        tap = torch.zeros_like(missing)
        for v in self._window_views(self._pad(x, sizes, float("nan")), sizes):
            missing &= v != y
            tap += missing
        if missing.any():  # where y is nan, torch's choice is the last nan
            for i, v in enumerate(self._window_views(self._pad(x, sizes, 0), sizes)):
                tap.masked_fill_(v.isnan(), i)
        return tap


@final
class AvgPool2d(Pool2d):
    """y = Σ of x over each window / how many it counts        x (…, C, H, W)   y (…, C, H', W')

    dL/dx = Σ g / count, over the windows that the entry is in

    A window counts the padding (but never what lies beyond it) unless ``count_include_pad`` is
    False; ``divisor_override`` takes the place of the count. Raises LayerError unless x has 3 or
    4 axes and holds a window.
    """

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        if divisor_override == 0:
            raise ValueError("divisor_override must not be 0")
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override
        super().__init__(kernel_size, stride, padding, ceil_mode)

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        sizes = self._output_size(x)
        wide, count = self._pad(x, sizes, 0), self._divisor(x, sizes)
        total = reduce(torch.add, self._window_views(wide, sizes))

        def backward(g: Tensor) -> Tensor:
            dx, share = torch.zeros_like(wide), g / count
            for tap in self._window_views(dx, sizes):
                tap += share
            (p, q), (height, width) = self.params.padding, x.shape[-2:]
            return dx[..., p : p + height, q : q + width]

        return total / count, backward

    def _divisor(self, x: Tensor, sizes: list[int]) -> Tensor | int:
        if self.divisor_override is not None:
            return self.divisor_override
        counted = self._pad(x.new_ones(x.shape[-2:]), sizes, float(self.count_include_pad))
        for axis, p in zip((-2, -1), self.params.padding, strict=True):
            end = x.shape[axis] + 2 * p
            counted.transpose(axis, -1)[..., end:] = 0
        return reduce(torch.add, self._window_views(counted, sizes))


@final
class AdaptiveAvgPool2d(Module):
    """y = mean of x over H' x W' regions, as equal as they can be        x (…, C, H, W)

    dL/dx = Σ g / size, over the regions that the entry is in

    Region i of n entries in m begins at ⌊i n / m⌋ and ends before ⌈(i + 1) n / m⌉. A None in
    ``output_size`` keeps that axis as it is. Raises LayerError unless x has 3 or 4 axes, none of
    H and W empty.
    """

    def __init__(self, output_size: int | tuple[int | None, int | None] | None) -> None:
        self.output_size = output_size
        several = output_size if isinstance(output_size, list | tuple) else (output_size,) * 2
        known = tuple(1 if size is None else size for size in several)
        to_tuple("output_size", known, 2, 1)
        self._output_size = tuple(several)

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x, "input (N, C, H, W) or (C, H, W)", self._fits)
        y, down = adaptive_avg_axis(x, -2, self._output_size[0])
        y, across = adaptive_avg_axis(y, -1, self._output_size[1])
        return y, lambda g: down(across(g))

    def _fits(self, x: Tensor) -> bool:
        return x.dim() - self.num_replica_dims in (3, 4) and min(x.shape[-2:]) > 0


@final
class Maxout(Module):
    """y = max of each k neighbouring channels        x (…, N, C, any)   y (…, N, C / k, any)

    dL/dx = g to the channel that is the maximum; of equal ones, the first

    C may as well be units, of x (…, N, C). Goodfellow et al., Maxout networks, 2013. Raises
    ValueError unless k is at least 1, LayerError unless it divides C.
    """

    def __init__(self, k: int) -> None:
        if k < 1:
            raise ValueError(f"k is a whole number, 1 or more; got {k}")
        self.k = k

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        channel = self.num_replica_dims + 1
        check_input(self, x, f"input (N, C, …), C a multiple of {self.k}", self._fits)
        groups = torch.unflatten(x, channel, (-1, self.k))
        y, first = groups.max(channel + 1)

        def backward(g: Tensor) -> Tensor:
            dx = torch.zeros_like(groups)
            places = first.unsqueeze(channel + 1)
            return dx.scatter_(channel + 1, places, g.unsqueeze(channel + 1)).reshape(x.shape)

        return y, backward

    def _fits(self, x: Tensor) -> bool:
        channel = self.num_replica_dims + 1
        return x.dim() > channel and x.shape[channel] > 0 and x.shape[channel] % self.k == 0


def adaptive_avg_axis(x: Tensor, axis: int, size: int | None) -> tuple[Tensor, BackwardFn]:
    """The means of ``size`` regions along one axis, and the rule; None leaves the axis alone."""
    if size is None:
        return x, lambda g: g
    n = x.shape[axis]
    regions = [(i * n // size, -((i + 1) * -n // size)) for i in range(size)]

    def backward(g: Tensor) -> Tensor:
        dx = torch.zeros_like(x)
        for (begin, end), part in zip(regions, torch.split(g, 1, axis), strict=True):
            dx.narrow(axis, begin, end - begin).add_(part / (end - begin))
        return dx

    means = [x.narrow(axis, begin, end - begin).mean(axis) for begin, end in regions]
    return torch.stack(means, axis), backward
