"""Maxima of windows that lie side by side, axis by axis: two passes of a few large operations."""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor

from chainrule.nn.ops.chunked import chunks
from chainrule.nn.vjp import BackwardFn

__all__ = ["max_along_axis"]


def max_along_axis(x: Tensor, axis: int, k: int) -> tuple[Tensor, BackwardFn]:
    """The maximum of each k entries along one axis, and its rule: g to the first that is it.

    A window's maximum is the highest of its rows' highest, and the first of both is the first.
    """
    if k == 1:
        return x, lambda g: g
    y = reduce(torch.maximum, strided_views(x, axis, k))

    def rule(g: Tensor) -> Tensor:
        dx = torch.empty_like(x) if x.shape[axis] % k == 0 else torch.zeros_like(x)
        for part in chunks(x, y, g, dx):
            scatter_to_argmax(axis, k, *part)
        return dx

    return y, rule


def scatter_to_argmax(axis: int, k: int, x: Tensor, y: Tensor, g: Tensor, dx: Tensor) -> None:
    """Fill dx."""
    *parts, last = strided_views(dx, axis, k)
    for view, part in zip(strided_views(x, axis, k), parts, strict=False):
        torch.eq(view, y, out=part)  # as 1 and 0: products with a mask of bools are slow
        g = torch.sub(g, part.mul_(g), out=last)


def strided_views(x: Tensor, axis: int, k: int) -> tuple[Tensor, ...]:
    """Views of every k-th entry along an axis: from the first on, from the second, … the k-th."""
    n = x.shape[axis] // k
    return torch.unflatten(x.narrow(axis, 0, n * k), axis, (n, k)).unbind(axis)
