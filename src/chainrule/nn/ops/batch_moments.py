"""Normalization by a batch's own mean and variance; what is fast and ugly about it lives here.

Four passes over x forward, five over g backward, and replica by replica where they are large.
A test holds it equal to the formulas of the layers.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor

from chainrule.nn.ops.chunked import chunks

__all__ = ["BatchNormResult", "batch_norm_forward"]


class BatchNormResult(NamedTuple):
    """y, the moments of x, and the rule: g → dL/dx, dL/dw, dL/db, the last two as w is shaped."""

    y: Tensor
    mean: Tensor
    var: Tensor
    rule: Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]


def batch_norm_forward(
    x: Tensor, dims: list[int], eps: float, w: Tensor, b: Tensor
) -> BatchNormResult:
    """y = w (x − μ) / √(σ² + ε) + b, μ and σ² over ``dims``        w, b: 1 long there

    With c = x less its rounded mean, of mean r and Σ g' = Σ g c − r Σ g, and s = 1 / √(σ² + ε):

    y = s w c + (b − s w r),   dL/dw = s Σ g',   dL/db = Σ g
    dL/dx = s w g − (s³ w Σ g' / n) c + s w (s² r Σ g' − Σ g) / n

    The axis before ``dims`` may be of replicas; x or w may be 1 long there.
    """
    if 0 not in dims and x.shape[0] < w.shape[0]:
        x = x.expand(w.shape[0], *x.shape[1:])
    n = max(1, prod(x.shape[axis] for axis in dims))
    c, y = torch.empty_like(x), torch.empty_like(x)
    cut = chunks if 0 not in dims else single_chunk
    parts = [center_and_scale(dims, n, eps, *part) for part in cut(x, w, b, c, y)]
    mean, var, rest, s = (torch.cat(moments) for moments in zip(*parts, strict=True))

    def rule(g: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        dx = torch.empty_like(c)
        sums = [batch_norm_backward(dims, n, *part) for part in cut(g, c, dx, w, rest, s)]
        dw, db = (torch.cat(parts) for parts in zip(*sums, strict=True))
        return dx, dw, db

    return BatchNormResult(y, mean, var, rule)


def single_chunk(*tensors: Tensor) -> list[tuple[Tensor, ...]]:
    """The tensors as their only piece."""
    return [tensors]


def center_and_scale(
    dims: list[int], n: int, eps: float, x: Tensor, w: Tensor, b: Tensor, c: Tensor, y: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Fill c and y; return μ, σ², r and s."""
    mean = x.sum(dims, keepdim=True) / n
    torch.sub(x, mean, out=c)
    rest = c.sum(dims, keepdim=True) / n
    square = torch.mul(c, c, out=y).sum(dims, keepdim=True) / n
    var = (square - rest * rest).clamp_(min=0)
    s = (var + eps).rsqrt()
    slope = s * w
    torch.addcmul(b - slope * rest, c, slope, out=y)
    return mean + rest, var, rest, s


def batch_norm_backward(
    dims: list[int], n: int, g: Tensor, c: Tensor, dx: Tensor, w: Tensor, rest: Tensor, s: Tensor
) -> tuple[Tensor, Tensor]:
    """Fill dx; return dL/dw and dL/db."""
    total = g.sum(dims, keepdim=True)
    along = torch.mul(g, c, out=dx).sum(dims, keepdim=True) - rest * total
    slope, curve = s * w, s * s * along / n
    torch.addcmul(slope * (curve * rest - total / n), g, slope, out=dx)
    dx.addcmul_(c, -slope * curve)
    return s * along, total
