"""Padding: more entries before and after the last axes.

ZeroPad, ConstantPad, ReflectionPad, ReplicationPad and CircularPad, of 1d and 2d. C
channels, L length, H W height and width; … is any of the replica axis K and N samples.
"""

from __future__ import annotations

from abc import ABC
from typing import ClassVar, final

import torch
from torch import Tensor

from chainrule.nn.errors import AXES, LayerError, check_sample_or_batch, describe_shape
from chainrule.nn.module import Module
from chainrule.nn.ops.padding import pad
from chainrule.nn.vjp import BackwardFn

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ZeroPad1d",
    "ZeroPad2d",
]

Widths = int | tuple[int, ...]


class PadLayer(Module, ABC):
    """y = x with ``padding`` entries more: one number, or torch's (left, right, top, bottom).

    ``edges``: how many come before and after, an axis each, in x's order.
    """

    axes: ClassVar[int]

    def __init__(self, padding: Widths) -> None:
        widths = (padding,) * (2 * self.axes) if isinstance(padding, int) else padding
        whole = isinstance(widths, list | tuple) and all(type(n) is int for n in widths)
        if not whole or len(widths) != 2 * self.axes:
            raise ValueError(
                f"padding is a whole number, or a tuple of {2 * self.axes}; got {padding!r}"
            )
        self.padding = padding
        self.edges = [*zip(widths[::2], widths[1::2], strict=True)][::-1]

    def _check_sizes(self, x: Tensor, least: list[int]) -> None:
        """Raise a LayerError unless each axis has so many entries."""
        check_sample_or_batch(self, x, self.axes)
        if any(n < m for n, m in zip(x.shape[-self.axes :], least, strict=True)):
            sizes = ", ".join(
                f"{name} ≥ {n}" for name, n in zip(AXES[self.axes], least, strict=True)
            )
            raise LayerError(self, f"expected {sizes}, got {describe_shape(x)}")


class ConstantPad(PadLayer, ABC):
    """y = x with ``value`` around it        dL/dx = g without the margin

    A negative width cuts entries off; they get no gradient. Raises ValueError unless ``padding`` is
    a whole number or one for each side, LayerError where nothing would be left.
    """

    def __init__(self, padding: Widths, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        self._check_sizes(x, [max(0, -a) + max(0, -b) for a, b in self.edges])
        widths = [n for edge in reversed(self.edges) for n in edge]
        back = [-n for n in widths]
        y = torch.constant_pad_nd(x, widths, self.value)
        return y, lambda g: torch.constant_pad_nd(g, back)


class ZeroPad(ConstantPad, ABC):
    """y = x with 0 around it: ConstantPad of 0."""

    def __init__(self, padding: Widths) -> None:
        super().__init__(padding, 0.0)


class SourcePad(PadLayer, ABC):
    """y = x with entries of x around it        dL/dx = g folded back: each entry to its source

    Raises ValueError unless ``padding`` is a whole number of 0 or more, or one for each side;
    LayerError where x has not as many entries as are asked for.
    """

    mode: ClassVar[str]
    spare: ClassVar[int]  # how many entries x must have beyond the widest margin

    def __init__(self, padding: Widths) -> None:
        super().__init__(padding)
        if min(map(min, self.edges)) < 0:
            raise ValueError(f"padding is 0 or more, got {padding!r}")

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        copies = self.mode == "replicate"
        self._check_sizes(x, [1 if copies else max(1, *pair) + self.spare for pair in self.edges])
        return pad(x, self.edges, self.mode)


@final
class ConstantPad1d(ConstantPad):
    """y = x with ``value`` around it        x (…, C, L)

    Gradient, argument and errors: ConstantPad.
    """

    axes = 1


@final
class ConstantPad2d(ConstantPad):
    """y = x with ``value`` around it        x (…, C, H, W)

    Gradient, argument and errors: ConstantPad.
    """

    axes = 2


@final
class ZeroPad1d(ZeroPad):
    """y = x with 0 around it        x (…, C, L)

    Gradient, argument and errors: ZeroPad.
    """

    axes = 1


@final
class ZeroPad2d(ZeroPad):
    """y = x with 0 around it        x (…, C, H, W)

    Gradient, argument and errors: ZeroPad.
    """

    axes = 2


@final
class ReflectionPad1d(SourcePad):
    """y = x mirrored at its first and last entry        x (…, C, L)

    Gradient, argument and errors: SourcePad.
    """

    axes = 1
    mode, spare = "reflect", 1


@final
class ReflectionPad2d(SourcePad):
    """y = x mirrored at its first and last entry        x (…, C, H, W)

    Gradient, argument and errors: SourcePad.
    """

    axes = 2
    mode, spare = "reflect", 1


@final
class ReplicationPad1d(SourcePad):
    """y = x with its first and last entry repeated        x (…, C, L)

    Gradient, argument and errors: SourcePad.
    """

    axes = 1
    mode, spare = "replicate", 0


@final
class ReplicationPad2d(SourcePad):
    """y = x with its first and last entry repeated        x (…, C, H, W)

    Gradient, argument and errors: SourcePad.
    """

    axes = 2
    mode, spare = "replicate", 0


@final
class CircularPad1d(SourcePad):
    """y = x with its end before it and its beginning after it        x (…, C, L)

    Gradient, argument and errors: SourcePad.
    """

    axes = 1
    mode, spare = "circular", 0


@final
class CircularPad2d(SourcePad):
    """y = x with its end before it and its beginning after it        x (…, C, H, W)

    Gradient, argument and errors: SourcePad.
    """

    axes = 2
    mode, spare = "circular", 0
