"""Class numbers as vectors."""

from __future__ import annotations

import torch
from torch import Tensor

from chainrule._util.argument_checks import check_arguments

__all__ = ["one_hot"]


@check_arguments
def one_hot(targets: Tensor, classes: int, low: float = 0.0, high: float = 1.0) -> Tensor:
    """`high` at each target's class and `low` elsewhere.

    targets (…) int64 in 0 … classes − 1   result (…, classes) float32

    ``low=-1.0`` suits outputs that end in a Tanh. Raises TypeError for another dtype, ValueError
    for a target that is no class.
    """
    if targets.dtype != torch.int64:
        raise TypeError(f"one_hot: expected int64 targets, got {targets.dtype}")
    outside = targets[(targets < 0) | (targets >= classes)]
    if outside.numel():
        raise ValueError(f"one_hot: expected targets in 0 … {classes - 1}, got {int(outside[0])}")
    vectors = torch.full((*targets.shape, classes), low, dtype=torch.float32, device=targets.device)
    return vectors.scatter_(-1, targets.unsqueeze(-1), high)
