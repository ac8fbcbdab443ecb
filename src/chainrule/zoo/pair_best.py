"""The network that compares two digits best: it reads both, and counts how they can be ordered.

Input (N, 2, 14, 14); output a dict with "main" (N, 2), log-probabilities, and "first" and
"second" (N, 10), the digits' logits. ``pair_loss`` is the loss of all three.
"""

from __future__ import annotations

from chainrule._util.argument_checks import check_arguments
from chainrule.nn import (
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Heads,
    LessEqualProbability,
    Linear,
    MaxPool2d,
    ReLU,
    Select,
    Sequential,
    Siamese,
    Unflatten,
)

__all__ = ["pair_best"]


@check_arguments
def pair_best(width: int = 32, dropout: float = 0.3) -> Sequential:
    """Four normalized convolutions read each digit; the comparison has nothing to learn."""
    encoder = Sequential(
        Unflatten(1, (1, 14)),
        *(Conv2d(1, width, 3, bias=False), BatchNorm2d(width), ReLU()),
        *(Conv2d(width, width, 3, bias=False), BatchNorm2d(width), MaxPool2d(2), ReLU()),
        *(Conv2d(width, width, 3, bias=False), BatchNorm2d(width), ReLU()),
        *(Conv2d(width, 2 * width, 3, bias=False), BatchNorm2d(2 * width), ReLU()),
        *(Flatten(), Dropout(dropout), Linear(2 * width, 10)),
    )
    heads = Heads(main=LessEqualProbability(), first=Select(1, 0), second=Select(1, 1))
    return Sequential(Siamese(encoder, joint_batch=True), heads)
