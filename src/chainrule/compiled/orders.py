"""Permutations drawn by the kernel: those of ``torch.randperm``, in a third of its time."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import c_int64, c_void_p
from functools import cache

import torch
from torch import Tensor

from chainrule.compiled.build import kernel
from chainrule.data.batches import draw_permutations

__all__ = ["draw_in_kernel"]

MAX_SAMPLES = 2**32 // 20
"""Of so many torch draws in another way."""
TRIED = 1000, (5,)
"""A permutation that takes more than one block of the generator's numbers, and its seed."""


def draw_in_kernel(N: int, seeds: Sequence[int], dtype: torch.dtype) -> Tensor:
    """The permutation of each seed (K, N), as ``draw_permutations`` has them.

    By the kernel for this dtype, which has to be there; by torch where that draws in another way.
    """
    if N >= MAX_SAMPLES or not agrees_with_torch(dtype):
        return draw_permutations(N, seeds)
    return call_kernel(N, seeds, dtype)


def call_kernel(N: int, seeds: Sequence[int], dtype: torch.dtype) -> Tensor:
    """The permutation of each seed (K, N)."""
    orders = torch.empty(len(seeds), N, dtype=torch.int64)
    numbers = torch.tensor(seeds, dtype=torch.int64)
    kernel(dtype).draw_permutations(
        c_void_p(orders.data_ptr()), c_void_p(numbers.data_ptr()), c_int64(len(seeds)), c_int64(N)
    )
    return orders


@cache
def agrees_with_torch(dtype: torch.dtype) -> bool:
    """Whether this torch draws as the kernel does."""
    return torch.equal(call_kernel(*TRIED, dtype), draw_permutations(*TRIED))
