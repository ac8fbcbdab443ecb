"""What is counted beside the loss: a metric gives one number a sample, (…, N).

The trainer takes the mean over the samples, for each replica on its own; TransformedMean goes on
from there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, Self, TypeAlias, final

import torch
from torch import Tensor

__all__ = [
    "Accuracy",
    "Coverage",
    "ErrorRate",
    "JointAccuracy",
    "MeanAbsoluteError",
    "Metric",
    "RootMeanSquaredError",
    "TargetUnitMetric",
    "TransformedMean",
    "average_metric",
    "measure_outputs",
]

Metric: TypeAlias = Callable[[Any, Any], Tensor]


class TransformedMean(ABC):
    """A metric that is not the mean over the samples, but something of it: its root."""

    @abstractmethod
    def transform(self, mean: Tensor) -> Tensor:
        """The metric, of the mean over the samples."""


def average_metric(metric: Metric, output: Any, target: Any, axis: int) -> Tensor:
    """A metric over the samples, which are on this axis.

    In float64: 987 of 1,000 is 0.987, and prints so.
    """
    mean = metric(output, target).mean(axis, dtype=torch.float64)
    return metric.transform(mean) if isinstance(metric, TransformedMean) else mean


def measure_outputs(
    metrics: Mapping[str, Metric], output: Any, target: Any, axis: int
) -> dict[str, Tensor]:
    """Each metric over the samples, which are on this axis: name → (K,), or a scalar."""
    return {name: average_metric(f, output, target, axis) for name, f in metrics.items()}


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


@dataclass(frozen=True, eq=False)
class TargetUnitMetric(ABC):
    """A metric in the unit of its target.

    Output and target are numbers (…, N, D) or, for D = 1, a target (…, N); an output may be a
    dict with ``mean``. Where targets were divided by their spread, ``unit`` is that spread: a
    number, or in a cohort one a replica, (K, 1, 1).
    """

    unit: float | Tensor = 1.0

    def with_unit(self, unit: float | Tensor) -> Self:
        """The metric for targets that were divided by this."""
        return replace(self, unit=unit)

    def __call__(self, output: Any, target: Tensor) -> Tensor:
        mean = output["mean"] if isinstance(output, dict) else output
        return self.error(self.unit * (mean - match_axes(target, mean))).mean(-1)

    @abstractmethod
    def error(self, d: Tensor) -> Tensor:
        """The error of each difference d (…, N, D), which is in the target's unit."""


@final
class RootMeanSquaredError(TargetUnitMetric, TransformedMean):
    """√ of the mean over the samples of d², in the target's unit"""

    def error(self, d: Tensor) -> Tensor:
        return d.square()

    def transform(self, mean: Tensor) -> Tensor:
        return mean.sqrt()


@final
class MeanAbsoluteError(TargetUnitMetric):
    """The mean over the samples of |d|, in the target's unit"""

    def error(self, d: Tensor) -> Tensor:
        return d.abs()


@final
@dataclass(frozen=True)
class Coverage:
    """1 where the target is within the predicted interval, else 0        result (…, N)

    output {"mean": (…, N, 1), "var": (…, N, 1)}   target (…, N, 1) or (…, N)

    The interval is the middle ``level`` of a normal distribution: mean ± 1.96 √var for 0.95. A
    calibrated net covers that share of the test targets. nan for an output without variance,
    which claims no interval. Raises ValueError for a level outside (0, 1).
    """

    level: float = 0.95

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise ValueError(f"Coverage: expected a level between 0 and 1, got {self.level}")

    def __call__(self, output: Any, target: Tensor) -> Tensor:
        if not isinstance(output, dict):
            return torch.full_like(output[..., 0], torch.nan)
        mean: Tensor = output["mean"]
        var: Tensor = output["var"]
        width = NormalDist().inv_cdf((1 + self.level) / 2) * var.sqrt()
        within = (mean - match_axes(target, mean)).abs() <= width
        unknown = (mean + var).isnan()
        return within.to(mean.dtype).masked_fill(unknown, torch.nan).squeeze(-1)


def match_axes(target: Tensor, output: Tensor) -> Tensor:
    """The target with the axes of the output."""
    return target.unsqueeze(-1) if target.dim() < output.dim() else target
