"""Large tensors worked through piece by piece, so that several steps on one find it in the cache.

A step over a tensor that does not fit the cache waits for memory, and costs three to four times
as much a number as one over a tensor that does.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

__all__ = ["chunks", "relu_backward"]

CHUNK_BYTES = 2**21
"""A piece of at most so much, unless one entry of the first axis is larger."""


def chunks(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Views of all tensors on the same few entries of the first axis, from the first to the last.

    Tensors: of one length along the first axis, or 1 long, for "the same for all". The largest
    is cut into pieces of about CHUNK_BYTES; small ones stay whole.
    """
    length = max(t.shape[0] if t.dim() else 1 for t in tensors)
    size = max(t.numel() * t.element_size() for t in tensors)
    if size <= CHUNK_BYTES or length == 1:
        yield tensors
        return
    step = max(1, CHUNK_BYTES * length // size)
    for begin in range(0, length, step):
        yield tuple(t if t.shape[0] == 1 else t[begin : begin + step] for t in tensors)


def relu_backward(g: Tensor, y: Tensor) -> Tensor:
    """g where y > 0, else 0        y ≥ 0"""
    dx = torch.empty_like(y)
    for part, gate, out in chunks(g, y, dx):
        torch.sign(gate, out=out).mul_(part)
    return dx
