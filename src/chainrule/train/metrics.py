"""What is counted beside the loss: a metric gives one number a sample, (…, N).

The trainer takes the mean over the samples, for each replica on its own; OfMean goes on from there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import torch
from torch import Tensor

__all__ = ["Accuracy", "ErrorRate", "JointAccuracy", "Metric", "TransformedMean", "averaged"]

Metric: TypeAlias = Callable[[Any, Any], Tensor]


class TransformedMean(ABC):
    """A metric that is not the mean over the samples, but something of it: its root."""

    @abstractmethod
    def transform(self, mean: Tensor) -> Tensor:
        """The metric, of the mean over the samples."""


def averaged(metric: Metric, output: Any, target: Any, axis: int) -> Tensor:
    """A metric over the samples, which are on this axis.

    In float64: 987 of 1,000 is 0.987, and prints so.
    """
    mean = metric(output, target).mean(axis, dtype=torch.float64)
    return metric.transform(mean) if isinstance(metric, TransformedMean) else mean


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


@final
@dataclass(frozen=True)
class ErrorRate:
    """1 where the decision is wrong, else 0: what is missing of an :class:`Accuracy`"""

    head: str | None = None
    threshold: float = 0.5

    def __call__(self, output: Any, target: Any) -> Tensor:
        return 1.0 - Accuracy(self.head, self.threshold)(output, target)


@final
@dataclass(frozen=True)
class JointAccuracy:
    """1 where the decisions of all ``heads`` are right, else 0        result (…, N)

    Each head's as in :class:`Accuracy`. Raises ValueError where no head is named.
    """

    heads: Sequence[str]

    def __post_init__(self) -> None:
        if not self.heads or isinstance(self.heads, str):
            raise ValueError(f"JointAccuracy: expected the names of heads, got {self.heads!r}")

    def __call__(self, output: Any, target: Any) -> Tensor:
        right = [Accuracy(head)(output, target) for head in self.heads]
        return torch.stack(right).prod(0)
