"""What is counted beside the loss: a metric gives one number a sample, (…, N).

The trainer takes the mean over the samples, for each replica on its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import torch
from torch import Tensor

__all__ = ["Accuracy", "Metric"]

Metric: TypeAlias = Callable[[Any, Any], Tensor]


@final
@dataclass(frozen=True)
class Accuracy:
    """1 where the decision is right, else 0        output (…, N, L) or (…, N, 1)   result (…, N)

    The decision is the largest of L outputs, or for a single one whether it is above
    ``threshold`` (½ after a sigmoid, 0 for logits or tanh). Targets are class indices (…, N), or
    have the shape of the output (one-hot, ±1). ``head`` names the output and target to compare
    where a net has several.
    """

    head: str | None = None
    threshold: float = 0.5

    def __call__(self, output: Any, target: Any) -> Tensor:
        if self.head is not None:
            output, target = output[self.head], target[self.head]
        wanted = self._decide(target) if target.dim() == output.dim() else target
        right = self._decide(output) == wanted
        # A diverged replica decides nothing: no accuracy of 10 % for an argmax over nan.
        return right.to(output.dtype).masked_fill(output.isnan().any(-1), torch.nan)

    def _decide(self, scores: Tensor) -> Tensor:
        if scores.shape[-1] == 1:
            return (scores.squeeze(-1) > self.threshold).long()
        return scores.argmax(-1)
