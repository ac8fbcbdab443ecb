"""The products that training spends its time in; what is fast and ugly about them lives here.

Each function is one line of algebra; a test holds it equal to that line.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["addmm_", "linear_forward"]


def linear_forward(weight: Tensor, x: Tensor, bias: Tensor | None = None) -> Tensor:
    """x Wᵀ + b        weight (…, out, in)   x (…, N, in)   bias (…, out)   result (…, N, out)

    The result lies in memory with the samples innermost, (…, out, N): the next product along
    the features is then a quarter faster, and the bias costs no pass of its own.
    """
    if bias is None:
        return batched_matmul(weight, x.mT).mT
    column = bias.unsqueeze(-1)
    if weight.dim() == 2:
        return torch.addmm(column, weight, x.mT).mT
    if x.shape[0] != weight.shape[0]:  # one batch for all replicas
        x = x.expand(weight.shape[0], -1, -1)
    return torch.baddbmm(column, weight, x.mT).mT


def addmm_(total: Tensor, a: Tensor, b: Tensor) -> None:
    """total += a b, in place        total (…, n, m)   a (…, n, k)   b (…, k, m)

    For a plain net in one operation. For a cohort in two: adding within a batched product to a
    tensor with gaps between the replicas is done replica by replica, and slower.
    """
    if total.dim() == 2:
        total.addmm_(a, b)
    else:
        total.add_(batched_matmul(a, b))


def batched_matmul(a: Tensor, b: Tensor) -> Tensor:
    """a b        a (…, n, k)   b (…, k, m); without the detours of matmul where it needs none"""
    if a.dim() == 3 and a.shape[0] == b.shape[0]:
        return torch.bmm(a, b)
    return a @ b
