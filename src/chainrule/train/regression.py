"""How far predicted numbers are off, and how well a net knows that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, Self, final

import torch
from torch import Tensor

from chainrule.train.metrics import TransformedMean

__all__ = ["Coverage", "MeanAbsoluteError", "RootMeanSquaredError", "TargetUnitMetric"]


@dataclass(frozen=True, eq=False)
class TargetUnitMetric(ABC):
    """A metric in the unit of its target.

    Output and target are numbers (…, N, D) or, for D = 1, a target (…, N); an output may be a
    dict with ``mean``. Where targets were divided by their spread, ``unit`` is that spread: a
    number, or in a cohort one a replica, (K, 1, 1).
    """

    unit: float | Tensor = 1.0

    def given_in(self, unit: float | Tensor) -> Self:
        """The metric for targets that were divided by this."""
        return replace(self, unit=unit)

    def __call__(self, output: Any, target: Tensor) -> Tensor:
        mean = output["mean"] if isinstance(output, dict) else output
        return self.of(self.unit * (mean - like(target, mean))).mean(-1)

    @abstractmethod
    def of(self, d: Tensor) -> Tensor:
        """Of each difference d (…, N, D), which is in the target's unit."""


@final
class RootMeanSquaredError(TargetUnitMetric, TransformedMean):
    """√ of the mean over the samples of d², in the target's unit"""

    def of(self, d: Tensor) -> Tensor:
        return d.square()

    def transform(self, mean: Tensor) -> Tensor:
        return mean.sqrt()


@final
class MeanAbsoluteError(TargetUnitMetric):
    """The mean over the samples of |d|, in the target's unit"""

    def of(self, d: Tensor) -> Tensor:
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
        within = (mean - like(target, mean)).abs() <= width
        unknown = (mean + var).isnan()
        return within.to(mean.dtype).masked_fill(unknown, torch.nan).squeeze(-1)


def like(target: Tensor, output: Tensor) -> Tensor:
    """The target with the axes of the output."""
    return target.unsqueeze(-1) if target.dim() < output.dim() else target
