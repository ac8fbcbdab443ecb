"""Upsample: images and signals made larger (or smaller), by copies or along straight lines.

N samples, C channels, L length, H W height and width; … is the replica axis K.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor
from typing import NamedTuple, final

import torch
from torch import Tensor

from chainrule.nn.errors import AXES, LayerError, check_input, describe_shape
from chainrule.nn.module import Module
from chainrule.nn.vjp import BackwardFn

__all__ = ["Upsample"]

MODES = {"nearest": (1, 2), "linear": (1,), "bilinear": (2,)}
"""How many axes each can have."""


@final
class Upsample(Module):
    """yᵢ = (1 − wᵢ) x[lᵢ] + wᵢ x[lᵢ + 1], axis by axis        x (…, N, C, L) or (…, N, C, H, W)

    dL/dx[l] = Σ g over what was made of it, times its part: (1 − w) from lᵢ = l, w from lᵢ + 1 = l

    "nearest" copies (w = 0): lᵢ = ⌊i s⌋, with s the input's size over the output's, or one over
    ``scale_factor`` where that is given. "linear" (of L) and "bilinear" (of H and W) stand at
    (i + ½) s − ½, not before the first entry; with ``align_corners`` at i (n − 1) / (m − 1), so
    that the first and the last stay. ``size`` or ``scale_factor``: one number, or one an axis.
    Raises ValueError unless one of the two is given and the mode is known, LayerError for other
    shapes.
    """

    def __init__(
        self,
        size: int | tuple[int, ...] | None = None,
        scale_factor: float | tuple[float, ...] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        if (size is None) == (scale_factor is None):
            raise ValueError("give one of size and scale_factor")
        if mode not in MODES:
            raise ValueError(f"mode is one of {', '.join(MODES)}; got {mode!r}")
        if mode == "nearest" and align_corners is not None:
            raise ValueError("align_corners is for the modes linear and bilinear")
        given = size if scale_factor is None else scale_factor
        numbers = given if isinstance(given, list | tuple) else (given,)
        if not numbers or not all(isinstance(n, int | float) and n > 0 for n in numbers):
            raise ValueError(f"size and scale_factor are positive numbers, got {given!r}")
        self.size, self.scale_factor, self.mode = size, scale_factor, mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor
        self._numbers = tuple(float(n) for n in numbers if n is not None)

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        self._check_axes(x)
        places = self.find_places(x.shape[self.num_replica_dims + 2 :])
        y, rules = x, []
        for axis, found in enumerate(places, -len(places)):
            y, rule = resample_axis(y, axis, found)
            rules.append(rule)

        def backward(g: Tensor) -> Tensor:
            for rule in reversed(rules):
                g = rule(g)
            return g

        return y, backward

    def find_places(self, sizes: Sequence[int]) -> list[Places]:
        """Where the output's entries come from, for each of the axes of these sizes."""
        return [self._find_axis_places(*each) for each in self._pair_numbers(sizes)]

    def _pair_numbers(self, sizes: Sequence[int]) -> list[tuple[int, float]]:
        """Each axis's size with its ``size`` or ``scale_factor``."""
        numbers = self._numbers * len(sizes) if len(self._numbers) == 1 else self._numbers
        return [*zip(sizes, numbers, strict=True)]

    def can_resize(self, sizes: Sequence[int]) -> bool:
        """Whether the last axes of a sample may have these sizes."""
        known = len(sizes) in MODES[self.mode] and len(self._numbers) in (1, len(sizes))
        return known and all(n and self._find_size(n, m) for n, m in self._pair_numbers(sizes))

    def _check_axes(self, x: Tensor) -> None:
        n, allowed = self.num_replica_dims, MODES[self.mode]

        def fits(x: Tensor) -> bool:
            return x.dim() - n - 2 in allowed and min(x.shape[n + 2 :]) > 0

        shapes = " or ".join(f"(N, C, {', '.join(AXES[axes])})" for axes in allowed)
        check_input(self, x, f"input {shapes}, not empty", fits)
        axes = x.dim() - n - 2
        if len(self._numbers) not in (1, axes):
            raise LayerError(
                self,
                f"expected {len(self._numbers)} axes to resize, got {describe_shape(x)}",
            )
        if not self.can_resize(x.shape[n + 2 :]):
            raise LayerError(self, f"expected an output, not empty, got {describe_shape(x)}")

    def _find_size(self, n: int, number: float) -> int:
        """What becomes of an axis of n."""
        return int(number) if self.scale_factor is None else floor(n * number)

    def _find_axis_places(self, n: int, number: float) -> Places:
        """Where the entries of an axis of n come from."""
        m = self._find_size(n, number)
        exact = self.scale_factor is not None and not self.recompute_scale_factor
        step = 1 / number if exact else n / m
        i = torch.arange(m, dtype=torch.float64)
        if self.mode == "nearest":
            return Places((i * step).floor().long().clamp(max=n - 1), None)
        if self.align_corners:
            at = i * ((n - 1) / (m - 1) if m > 1 else 0.0)
        else:
            at = ((i + 0.5) * step - 0.5).clamp(min=0)
        low = at.floor().long().clamp(max=n - 1)
        return Places(low, (at - low).clamp(max=1) * (low < n - 1))


class Places(NamedTuple):
    """Of each entry of the output along an axis: l, and w where there is one."""

    low: Tensor
    part: Tensor | None


def resample_axis(x: Tensor, axis: int, places: Places) -> tuple[Tensor, BackwardFn]:
    """The entries of one axis made anew, and the rule."""
    low = places.low.to(x.device)
    high = (low + 1).clamp(max=x.shape[axis] - 1)
    w = None if places.part is None else places.part.to(x).reshape(-1, *[1] * (-axis - 1))

    def backward(g: Tensor) -> Tensor:
        dx = torch.zeros_like(x)
        if w is None:
            return dx.index_add_(axis, low, g)
        return dx.index_add_(axis, low, (1 - w) * g).index_add_(axis, high, w * g)

    y = x.index_select(axis, low)
    return (y if w is None else (1 - w) * y + w * x.index_select(axis, high)), backward
