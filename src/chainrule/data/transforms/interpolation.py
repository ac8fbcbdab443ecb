"""Images between their pixels."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

__all__ = ["interpolate_cubic"]


def interpolate_cubic(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """x (N, H, W), 0 beyond its edge, at the places rows, columns (N, P): cubic, (N, P)."""
    (H, W), width = x.shape[-2:], x.shape[-1] + 7
    flat = torch.constant_pad_nd(x, (3, 4, 3, 4)).flatten(1)
    # Two pixels beyond the edge all four neighbours are 0, as they are farther away.
    rows, columns = rows.clamp(-2, H + 1), columns.clamp(-2, W + 1)
    top, left = rows.floor(), columns.floor()
    first = ((top + 2) * width + left + 2).long()
    across = list(cubic_weights(columns - left))
    y = torch.zeros_like(rows)
    for i, share in enumerate(cubic_weights(rows - top)):
        row = torch.zeros_like(rows)
        for j, weight in enumerate(across):
            row.addcmul_(weight, flat[:, i * width + j :].gather(1, first))
        y.addcmul_(share, row)
    return y


def cubic_weights(t: Tensor) -> Iterator[Tensor]:
    """What the pixels at −1, 0, 1 and 2 count at t in [0, 1): Keys' kernel, a = −1/2."""
    yield ((1 - t / 2) * t - 0.5) * t
    yield (1.5 * t - 2.5) * t * t + 1
    yield ((2 - 1.5 * t) * t + 0.5) * t
    yield (t - 1) * t * t / 2
