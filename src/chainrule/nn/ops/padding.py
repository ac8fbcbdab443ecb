"""What sliding windows share: arguments that are one number or one an axis, and padding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from chainrule.nn.vjp import BackwardFn

__all__ = ["PADDING_MODES", "PadWidths", "pad", "to_tuple"]

PadWidths: TypeAlias = Sequence[tuple[int, int]]
"""How many entries come before and after, for each of the last axes."""


def to_tuple(name: str, value: Any, axes: int, least: int) -> tuple[int, ...]:
    """An argument as one whole number an axis; ValueError unless all are at least ``least``."""
    sizes = (value,) * axes if isinstance(value, int) else value
    if isinstance(sizes, list | tuple) and len(sizes) == axes:
        whole = all(isinstance(n, int) and not isinstance(n, bool) for n in sizes)
        if whole and min(sizes) >= least:
            return tuple(sizes)
    several = f", or a tuple of {axes}" if axes > 1 else ""
    raise ValueError(f"{name} is a whole number, {least} or more{several}; got {value!r}")


SOURCES: dict[str, Callable[[Tensor, int], Tensor]] = {
    "reflect": lambda i, n: (n - 1) - ((n - 1) - i.abs()).abs(),
    "replicate": lambda i, n: i.clamp(0, n - 1),
    "circular": lambda i, n: i % n,
}
"""Where position i, in the padding or not, of an axis of length n takes its value from."""

PADDING_MODES = ("zeros", *SOURCES)


def pad(x: Tensor, edges: PadWidths, mode: str) -> tuple[Tensor, BackwardFn]:
    """x with its last axes made wider        dL/dx = g folded back: each entry to its source"""
    rules = []
    for axis, (before, after) in enumerate(edges, x.dim() - len(edges)):
        if before or after:
            x, rule = _pad_axis(x, axis, before, after, mode)
            rules.append(rule)

    def fold(g: Tensor) -> Tensor:
        for rule in reversed(rules):
            g = rule(g)
        return g

    return x, fold


def _pad_axis(
    x: Tensor, axis: int, before: int, after: int, mode: str
) -> tuple[Tensor, BackwardFn]:
    n = x.shape[axis]
    if mode == "zeros":
        sizes = [0, 0] * (x.dim() - 1 - axis) + [before, after]
        return torch.constant_pad_nd(x, sizes), lambda g: g.narrow(axis, before, n)
    source = SOURCES[mode](torch.arange(-before, n + after, device=x.device), n)

    def fold(g: Tensor) -> Tensor:
        dx = g.new_zeros(*g.shape[:axis], n, *g.shape[axis + 1 :])
        return dx.index_add_(axis, source, g)

    return x.index_select(axis, source), fold
