"""In-place arithmetic with a coefficient a: a number, or one a replica as a column (K, 1).

x, y, z are (K, P). Columns are kept in float64, as Python's numbers are, and take the dtype of x
only here; so a constant like 1 − β₂ᵗ is as exact per replica as it is for one net.
"""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor

__all__ = [
    "Scalar",
    "add",
    "add_",
    "add_scalar_",
    "addcdiv_",
    "addcmul_",
    "is_nonzero",
    "lerp_",
    "mul_",
]

Scalar: TypeAlias = float | Tensor
"""A number, or a tensor (K,) of one a replica; inside an update rule a column (K, 1)."""


def is_nonzero(a: Scalar) -> bool:
    """Whether there is anything to do: a number is not 0; a column always counts."""
    return isinstance(a, Tensor) or a != 0


def add(x: Tensor, y: Tensor, a: Scalar) -> Tensor:
    """x + a y, a new tensor."""
    if isinstance(a, Tensor):
        return torch.addcmul(x, y, a.to(x.dtype))
    return torch.add(x, y, alpha=a)


def add_(x: Tensor, y: Tensor, a: Scalar) -> Tensor:
    """x ← x + a y"""
    return x.addcmul_(y, a.to(x.dtype)) if isinstance(a, Tensor) else x.add_(y, alpha=a)


def add_scalar_(x: Tensor, a: Scalar) -> Tensor:
    """x ← x + a"""
    return x.add_(a.to(x.dtype) if isinstance(a, Tensor) else a)


def mul_(x: Tensor, a: Scalar) -> Tensor:
    """x ← a x"""
    return x.mul_(a.to(x.dtype) if isinstance(a, Tensor) else a)


def lerp_(x: Tensor, y: Tensor, a: Scalar) -> Tensor:
    """x ← x + a (y − x)"""
    return x.lerp_(y, a.to(x.dtype) if isinstance(a, Tensor) else a)


def addcmul_(x: Tensor, y: Tensor, z: Tensor, a: Scalar) -> Tensor:
    """x ← x + a y z"""
    if isinstance(a, Tensor):
        return x.addcmul_(y * a.to(x.dtype), z)
    return x.addcmul_(y, z, value=a)


def addcdiv_(x: Tensor, y: Tensor, z: Tensor, a: Scalar) -> Tensor:
    """x ← x + a y / z"""
    if isinstance(a, Tensor):
        return x.addcdiv_(y * a.to(x.dtype), z)
    return x.addcdiv_(y, z, value=a)
