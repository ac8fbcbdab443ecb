"""Pooling: maxima and means of windows or regions, along one axis or two; Maxout, of channels.

C channels, H W height and width, L length, k kernel, s stride; … is any of the replica axis K and N
samples. A *tap* is one place in the window: the entries of x that stand there, for all windows at
once, are a strided view of x, as large as y. Pooling is a maximum or a sum over the taps.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import reduce
from itertools import product
from math import prod
from typing import Any, ClassVar, NamedTuple, TypeAlias, final

import torch
from torch import Tensor

from chainrule.nn.errors import (
    AXES,
    LayerError,
    check_input,
    check_sample_or_batch,
    describe_shape,
)
from chainrule.nn.module import Module
from chainrule.nn.ops.padding import to_tuple
from chainrule.nn.vjp import BackwardFn

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "MaxPool1d",
    "MaxPool2d",
    "Maxout",
    "WindowPool",
]

Sizes = int | tuple[int, ...]

Regions: TypeAlias = list[tuple[int, int]]
"""Where each of the regions along an axis begins and ends."""


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


class WindowPool(Module, ABC):
    """A layer that slides a window over the last ``axes`` axes."""

    axes: ClassVar[int]

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
        kernel = to_tuple("kernel_size", kernel_size, self.axes, 1)
        self.params = PoolParams(
            kernel,
            kernel if stride is None else to_tuple("stride", stride, self.axes, 1),
            to_tuple("padding", padding, self.axes, 0),
            to_tuple("dilation", dilation, self.axes, 1),
        )
        if any(2 * p > k for p, k in zip(self.params.padding, kernel, strict=True)):
            raise ValueError(
                f"padding is at most half of kernel_size {kernel_size!r}, got {padding!r}"
            )

    def _output_size(self, x: Tensor) -> list[int]:
        """The sizes of the output: windows that start in x or in the padding before it."""
        check_sample_or_batch(self, x, self.axes)
        sizes = []
        window = zip(self.params.span, self.params.stride, self.params.padding, strict=True)
        for n, (span, s, p) in zip(x.shape[-self.axes :], window, strict=True):
            room = n + 2 * p - span
            count = (room + (s - 1 if self.ceil_mode else 0)) // s + 1
            count -= self.ceil_mode and (count - 1) * s >= n + p
            sizes.append(count if n else 0)
        if min(sizes) < 1:
            axes = " and ".join(AXES[self.axes])
            raise LayerError(
                self, f"expected {axes} no smaller than a window, got {describe_shape(x)}"
            )
        return sizes

    def _pad(self, x: Tensor, sizes: list[int], fill: float) -> Tensor:
        """x with a margin of ``fill``, so that every tap of every window is there."""
        edges: list[int] = []
        window = zip(self.params.span, self.params.stride, self.params.padding, strict=True)
        for n, count, (span, s, p) in zip(x.shape[-self.axes :], sizes, window, strict=True):
            edges = [p, max(0, (count - 1) * s + span - n - p), *edges]
        return torch.constant_pad_nd(x, edges, fill) if any(edges) else x

    def _window_views(self, x: Tensor, sizes: list[int]) -> Iterator[Tensor]:
        """The taps of a widened x, in the order of scanning a window."""
        window = zip(self.params.span, self.params.dilation, strict=True)
        for starts in product(*(range(0, span, d) for span, d in window)):
            axes = zip(starts, sizes, self.params.stride, strict=True)
            at: Any = (..., *(slice(i, i + (n - 1) * s + 1, s) for i, n, s in axes))
            yield x[at]


class MaxPool(WindowPool, ABC):
    """y = max of x over each window        arguments as torch's

    dL/dx = Σ g of the windows whose maximum the entry is; of equal maxima, the first one's

    Padding never wins. A window with nan gives nan. ValueError for ``return_indices``; LayerError
    unless x is a sample or a batch of them and holds a window.
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
            raise ValueError(
                "return_indices must be False: a layer returns its output alone; the way back to "
                "the larger size is Upsample or ConvTranspose2d"
            )
        self.dilation, self.return_indices = dilation, return_indices
        super().__init__(kernel_size, stride, padding, ceil_mode, dilation)

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        sizes = self._output_size(x)
        y = reduce(torch.maximum, self._window_views(self._pad(x, sizes, float("-inf")), sizes))
        return y, lambda g: self._scatter_grad(x, y, g)

    def _scatter_grad(self, x: Tensor, y: Tensor, g: Tensor) -> Tensor:
        """dL/dx for any windows: each g to the place of its maximum."""
        dx, places = x.new_zeros(x.shape).flatten(-self.axes), self._argmax_positions(x, y)
        return dx.scatter_add_(-1, places, g.flatten(-self.axes)).view(x.shape)

    def _argmax_positions(self, x: Tensor, y: Tensor) -> Tensor:
        """Where in its flattened last axes each window's maximum is        (…, C, H'·W')"""
        start = offset = torch.zeros((), dtype=torch.int64, device=x.device)
        for axis, (k, s, p, d) in enumerate(zip(*self.params, strict=True), -self.axes):
            step = prod(x.shape[axis + 1 :]) if axis < -1 else 1
            windows, taps = (torch.arange(n, device=x.device) for n in (y.shape[axis], k))
            start = start.unsqueeze(-1) + (windows * s - p) * step
            offset = offset.unsqueeze(-1) + taps * d * step
        tap = self._argmax_tap(x, y).flatten().long()
        places = offset.flatten().index_select(0, tap).view(y.shape) + start
        return places.flatten(-self.axes)

    def _argmax_tap(self, x: Tensor, y: Tensor) -> Tensor:
        """The number of the tap that is the maximum: how many come before the first such."""
        sizes, few = [*y.shape[-self.axes :]], prod(self.params.kernel) < 256
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
class MaxPool1d(MaxPool):
    """y = max of x over each window        x (…, C, L)   y (…, C, L')

    Gradient, arguments and errors: MaxPool, with one axis.
    """

    axes = 1


@final
class MaxPool2d(MaxPool):
    """y = max of x over each window        x (…, C, H, W)   y (…, C, H', W')

    Gradient, arguments and errors: MaxPool, with two axes.
    """

    axes = 2


class AvgPool(WindowPool, ABC):
    """y = Σ of x over each window / how many it counts

    dL/dx = Σ g / count, over the windows that the entry is in

    A window counts the padding (but never what lies beyond it) unless ``count_include_pad`` is
    False. Raises LayerError unless x is a sample or a batch of them and holds a window.
    """

    count_include_pad: bool
    divisor_override: int | None = None

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        sizes = self._output_size(x)
        wide, count = self._pad(x, sizes, 0), self._divisor(x, sizes)
        total = reduce(torch.add, self._window_views(wide, sizes))

        def backward(g: Tensor) -> Tensor:
            dx, share = torch.zeros_like(wide), g / count
            for tap in self._window_views(dx, sizes):
                tap += share
            axes = zip(self.params.padding, x.shape[-self.axes :], strict=True)
            inside: Any = (..., *(slice(p, p + n) for p, n in axes))
            return dx[inside]

        return total / count, backward

    def _divisor(self, x: Tensor, sizes: list[int]) -> Tensor | int:
        if self.divisor_override is not None:
            return self.divisor_override
        counted = x.new_ones(x.shape[-self.axes :])
        counted = self._pad(counted, sizes, float(self.count_include_pad))
        for axis, p in enumerate(self.params.padding, -self.axes):
            end = x.shape[axis] + 2 * p
            counted.transpose(axis, -1)[..., end:] = 0
        return reduce(torch.add, self._window_views(counted, sizes))


@final
class AvgPool1d(AvgPool):
    """y = mean of x over each window        x (…, C, L)   y (…, C, L')

    Gradient, arguments and errors: AvgPool, with one axis.
    """

    axes = 1

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        self.count_include_pad = count_include_pad
        super().__init__(kernel_size, stride, padding, ceil_mode)


@final
class AvgPool2d(AvgPool):
    """y = mean of x over each window        x (…, C, H, W)   y (…, C, H', W')

    Gradient, arguments and errors: AvgPool, with two axes. ``divisor_override`` takes the place of
    the count; ValueError for 0.
    """

    axes = 2

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


class AdaptivePool(Module, ABC):
    """y = one number for each of H' x W' regions of x, as equal as they can be

    Region i of n entries in m begins at ⌊i n / m⌋ and ends before ⌈(i + 1) n / m⌉. A None in
    ``output_size`` keeps that axis as it is. Raises LayerError unless x is a sample or a batch of
    them, none of its last axes empty.
    """

    axes: ClassVar[int]

    def __init__(self, output_size: int | tuple[int | None, ...] | None) -> None:
        self.output_size = output_size
        several = output_size if isinstance(output_size, list | tuple) else (output_size,)
        if len(several) == 1:
            several = (*several,) * self.axes
        known = tuple(1 if size is None else size for size in several)
        to_tuple("output_size", known, self.axes, 1)
        self._output_size = tuple(several)

    @abstractmethod
    def pool_axis(self, x: Tensor, axis: int, regions: Regions) -> tuple[Tensor, BackwardFn]:
        """The numbers of the regions along one axis, and the rule."""

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_sample_or_batch(self, x, self.axes, least=1)
        y, rules = x, []
        for axis, size in zip(range(-1, -self.axes - 1, -1), self._output_size[::-1], strict=True):
            if size is not None:
                n = x.shape[axis]
                regions = [(i * n // size, -((i + 1) * -n // size)) for i in range(size)]
                y, rule = self.pool_axis(y, axis, regions)
                rules.append(rule)

        def backward(g: Tensor) -> Tensor:
            for rule in reversed(rules):
                g = rule(g)
            return g

        return y, backward


class AdaptiveAvgPool(AdaptivePool, ABC):
    """y = mean of x over each region: of means along the axes, one after the other

    dL/dx = Σ g / size, over the regions that the entry is in
    """

    def pool_axis(self, x: Tensor, axis: int, regions: Regions) -> tuple[Tensor, BackwardFn]:
        def backward(g: Tensor) -> Tensor:
            dx = torch.zeros_like(x)
            for (begin, end), part in zip(regions, torch.split(g, 1, axis), strict=True):
                dx.narrow(axis, begin, end - begin).add_(part / (end - begin))
            return dx

        means = [x.narrow(axis, begin, end - begin).mean(axis) for begin, end in regions]
        return torch.stack(means, axis), backward


@final
class AdaptiveAvgPool1d(AdaptiveAvgPool):
    """y = mean of x over L' regions        x (…, C, L)   y (…, C, L')

    Regions, gradient and errors: AdaptivePool and AdaptiveAvgPool, with one axis.
    """

    axes = 1


@final
class AdaptiveAvgPool2d(AdaptiveAvgPool):
    """y = mean of x over H' x W' regions        x (…, C, H, W)   y (…, C, H', W')

    Regions, gradient and errors: AdaptivePool and AdaptiveAvgPool, with two axes.
    """

    axes = 2


class AdaptiveMaxPool(AdaptivePool, ABC):
    """y = max of x over each region: the highest of its rows' highest

    dL/dx = Σ g of the regions whose maximum the entry is; of equal maxima, the first one's

    ValueError for ``return_indices``.
    """

    def __init__(
        self, output_size: int | tuple[int | None, ...] | None, return_indices: bool = False
    ) -> None:
        if return_indices:
            raise ValueError("return_indices must be False: a layer returns its output alone")
        self.return_indices = return_indices
        super().__init__(output_size)

    def pool_axis(self, x: Tensor, axis: int, regions: Regions) -> tuple[Tensor, BackwardFn]:
        found = [
            x.narrow(axis, begin, end - begin).max(axis, keepdim=True) for begin, end in regions
        ]

        def backward(g: Tensor) -> Tensor:
            dx = torch.zeros_like(x)
            pieces = zip(regions, found, torch.split(g, 1, axis), strict=True)
            for (begin, end), (_, first), piece in pieces:
                dx.narrow(axis, begin, end - begin).scatter_add_(axis, first, piece)
            return dx

        return torch.cat([highest for highest, _ in found], axis), backward


@final
class AdaptiveMaxPool1d(AdaptiveMaxPool):
    """y = max of x over L' regions        x (…, C, L)   y (…, C, L')

    Regions, gradient and errors: AdaptivePool and AdaptiveMaxPool, with one axis.
    """

    axes = 1


@final
class AdaptiveMaxPool2d(AdaptiveMaxPool):
    """y = max of x over H' x W' regions        x (…, C, H, W)   y (…, C, H', W')

    Regions, gradient and errors: AdaptivePool and AdaptiveMaxPool, with two axes.
    """

    axes = 2


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
