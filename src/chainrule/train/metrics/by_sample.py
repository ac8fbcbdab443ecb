"""Metrics that give a number a sample: decisions, errors of numbers, and what intervals cover."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import Any, Self, final

import torch
from torch import Tensor

from chainrule._util.argument_checks import check_arguments
from chainrule._util.words import count_noun
from chainrule.nn.loss import HingeEmbeddingLoss, Loss, MultiLoss
from chainrule.nn.loss.wrapper import LossWrapper
from chainrule.train.metrics.base import DecisionMetric, RowMetric, TransformedMean

__all__ = [
    "Accuracy",
    "Coverage",
    "ErrorRate",
    "HeadMetric",
    "JointAccuracy",
    "MeanAbsoluteError",
    "RootMeanSquaredError",
    "TargetUnitMetric",
    "TokenAccuracy",
    "choose_threshold",
    "decide",
    "match_axes",
]


@dataclass(frozen=True)
class HeadMetric(DecisionMetric, ABC):
    """A metric of the decisions of one output, the ``head`` where a net has several.

    ``threshold`` and ``ignore_index``, the class of samples that do not count, are a trainer's
    loss's unless they are given.
    """

    stacks = True

    head: str | None = None
    threshold: float | None = None
    ignore_index: int | None = field(default=None, kw_only=True)

    def with_loss(self, criterion: Loss) -> Self:
        threshold = resolve_threshold(self.threshold, criterion, self.head)
        ignored = resolve_ignore_index(self.ignore_index, criterion, self.head)
        return replace(self, threshold=threshold, ignore_index=ignored)

    def with_targets(self, targets: Any) -> Self:
        found = targets.get(self.head) if isinstance(targets, dict) else targets
        if found is None:  # which the metric says by itself
            return self
        ignored = None if find_counted(found, self.ignore_index) is None else self.ignore_index
        threshold = choose_threshold(found, self.threshold)
        return replace(self, threshold=threshold, ignore_index=ignored)

    def select_counted(self, target: Any) -> Tensor | None:
        return find_counted(target if self.head is None else target[self.head], self.ignore_index)


@final
@check_arguments
@dataclass(frozen=True)
class Accuracy(HeadMetric):
    """1 where the decision is right, else 0        output (…, N, L), result (…, N)

    The decision is the largest of L outputs, or for a single one whether it is above
    ``threshold``. Where none is given, a trainer takes that of its loss: 0 for logits
    (BCEWithLogitsLoss), ½ for probabilities, the middle of a OneHotLoss's two targets. Other
    losses say none: it is then 0 where there are targets below 0, as for a tanh, and else ½.

    Targets are class indices (…, N), or have the shape of the output (one-hot, ±1, probabilities);
    of a single output also (…, N), ±1 or probabilities. ``head`` names the output and target to
    compare where a net has several. A sample whose class is ``ignore_index``, unless it is given
    that of a trainer's loss, has nan, and does not count in the mean. Raises ValueError where the
    loss is one of distances, which are small where the answer is yes.
    """

    def __call__(self, output: Any, target: Any) -> Tensor:
        counted = self.select_counted(target)
        if self.head is not None:
            output, target = output[self.head], target[self.head]
        predicted, wanted = decide(output, target, self.threshold)
        right: Tensor = predicted == wanted
        # A diverged replica decides nothing: no accuracy of 10 % for an argmax over nan.
        unknown = output.isnan().any(-1) if counted is None else output.isnan().any(-1) | ~counted
        return right.to(output.dtype).masked_fill(unknown, torch.nan)


def decide(output: Tensor, target: Tensor, threshold: float | None) -> tuple[Tensor, Tensor]:
    """(decision, what is right) of outputs (…, N, L), both (…, N): see :class:`Accuracy`."""
    if output.shape[-1] > 1:
        # As argmax, which takes up to three times as long where there are few classes.
        decided = output.max(-1).indices
        return decided, find_class(target) if target.dim() == output.dim() else target
    threshold = choose_threshold(target, threshold)
    decided = output.squeeze(-1) > threshold
    wanted = target.squeeze(-1) if target.dim() == output.dim() else target
    signs = bool((wanted < 0).any())
    if not (wanted.is_floating_point() or signs or target.dim() == output.dim()):
        return decided, wanted
    shares = not signs and bool((wanted <= 1).all())
    return decided, wanted > (0.5 if shares else threshold)


def find_class(target: Tensor) -> Tensor:
    """The class of each sample (…, N), of targets (…, N, L). Raises ValueError for several."""
    largest, index = target.max(-1, keepdim=True)
    highest = target == largest
    tied = (highest.sum(-1) > 1) & ((target == 0) | (target.abs() == 1)).all(-1)
    if bool(tied.any()):
        raise ValueError(
            f"expected targets of one class a sample, got {target[tied][0].tolist()}: where "
            "several may be right, give each a head of its own, or measure by a function of yours"
        )
    return index.squeeze(-1)


def choose_threshold(target: Tensor, threshold: float | None) -> float:
    """That of a single output: the one given, or what suits these targets."""
    if threshold is not None:
        return threshold
    return 0.0 if bool((target < 0).any()) else 0.5


def resolve_threshold(given: float | None, criterion: Loss, head: str | None) -> float | None:
    """The threshold that is given, or else that of the head's loss.

    Raises ValueError for a loss of distances.
    """
    loss = find_head_loss(criterion, head)
    if isinstance(loss, HingeEmbeddingLoss):
        raise ValueError(
            f"{loss.label()} learns distances, small where the target is 1: there is no accuracy "
            "of outputs above a threshold; give the training a metric of your own"
        )
    return loss.decision_threshold if given is None else given


def find_head_loss(criterion: Loss, head: str | None) -> Loss:
    """The loss of a head, where there are several."""
    if isinstance(criterion, MultiLoss) and head in criterion.losses:
        return criterion.losses[head]
    return criterion


def resolve_ignore_index(given: int | None, criterion: Loss, head: str | None) -> int | None:
    """The class that does not count, as given, or else as the head's loss has it."""
    loss = find_head_loss(criterion, head)
    while isinstance(loss, LossWrapper):
        loss = loss.loss
    ignored: int | None = getattr(loss, "ignore_index", None)
    return ignored if given is None else given


def find_counted(target: Tensor, ignore_index: int | None) -> Tensor | None:
    """Which targets are not of the class that does not count; None where none is."""
    if ignore_index is None or target.is_floating_point():
        return None
    counted = target != ignore_index
    return None if bool(counted.all()) else counted


@final
@check_arguments
@dataclass(frozen=True)
class ErrorRate(HeadMetric):
    """1 where the decision is wrong, else 0: what is missing of an :class:`Accuracy`"""

    def __call__(self, output: Any, target: Any) -> Tensor:
        right = Accuracy(self.head, self.threshold, ignore_index=self.ignore_index)
        return 1.0 - right(output, target)


@final
@check_arguments
@dataclass(frozen=True)
class JointAccuracy(DecisionMetric):
    """1 where the decisions of all ``heads`` are right, else 0        result (…, N)

    Each head's as in :class:`Accuracy`, ``thresholds`` one a head, or None, where they are given.
    A sample that does not count for one of them does not count. Raises ValueError where no head is
    named, or for another number of thresholds.
    """

    heads: Sequence[str]
    thresholds: Sequence[float | None] | None = None
    ignored: Sequence[int | None] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not self.heads or isinstance(self.heads, str):
            raise ValueError(f"JointAccuracy: expected the names of heads, got {self.heads!r}")
        if self.thresholds is not None and len(self.thresholds) != len(self.heads):
            raise ValueError(
                f"JointAccuracy: expected {count_noun(len(self.heads), 'threshold')}, got "
                f"{self.thresholds!r}"
            )

    def _each_accuracy(self) -> list[Accuracy]:
        none = [None] * len(self.heads)
        settings = zip(self.heads, self.thresholds or none, self.ignored or none, strict=True)
        return [Accuracy(head, t, ignore_index=i) for head, t, i in settings]

    def _with_each(self, each: Sequence[Accuracy]) -> Self:
        thresholds = tuple(accuracy.threshold for accuracy in each)
        ignored = tuple(accuracy.ignore_index for accuracy in each)
        return replace(self, thresholds=thresholds, ignored=ignored)

    def with_loss(self, criterion: Loss) -> Self:
        return self._with_each([each.with_loss(criterion) for each in self._each_accuracy()])

    def with_targets(self, targets: Any) -> Self:
        return self._with_each([each.with_targets(targets) for each in self._each_accuracy()])

    def reads(self, output: Any) -> bool:
        return isinstance(output, dict) and {*self.heads} <= output.keys()

    def select_counted(self, target: Any) -> Tensor | None:
        each = [accuracy.select_counted(target) for accuracy in self._each_accuracy()]
        some = [counted for counted in each if counted is not None]
        return torch.stack(some).all(0) if some else None

    def __call__(self, output: Any, target: Any) -> Tensor:
        right = [accuracy(output, target) for accuracy in self._each_accuracy()]
        return torch.stack(right).prod(0)


@final
@check_arguments
@dataclass(frozen=True)
class TokenAccuracy(DecisionMetric):
    """The share of a sequence's places that are decided rightly        result (…, N)

    output (…, N, L, T), scores of L classes at T places, as CrossEntropyLoss takes them; target
    (…, N, T) classes. Places whose target is ``ignore_index``, by default that of a trainer's loss,
    do not count; nan where none does. Raises ValueError for other shapes.
    """

    ignore_index: int | None = None

    def with_loss(self, criterion: Loss) -> Self:
        return replace(self, ignore_index=resolve_ignore_index(self.ignore_index, criterion, None))

    def select_counted(self, target: Tensor) -> Tensor | None:
        places = find_counted(target, self.ignore_index)
        return None if places is None else places.any(-1)

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        if output.dim() < 3 or target.shape[-1] != output.shape[-1]:
            raise ValueError(
                "TokenAccuracy: expected outputs (…, N, L, T) and targets (…, N, T), got "
                f"{tuple(output.shape)} and {tuple(target.shape)}"
            )
        right, places = output.argmax(-2) == target, find_counted(target, self.ignore_index)
        n: Tensor | int = target.shape[-1]
        if places is not None:
            right, n = right & places, places.sum(-1)
        share = right.sum(-1).to(output.dtype) / n
        return share.masked_fill(output.isnan().any(-1).any(-1), torch.nan)


@check_arguments
@dataclass(frozen=True, eq=False)
class TargetUnitMetric(RowMetric, ABC):
    """A metric in the unit of its target.

    Output and target are numbers (…, N, D) or, for D = 1, a target (…, N); an output may be a
    dict with ``mean``. Where targets were divided by their spread, ``unit`` is that spread: a
    number, or in a cohort one a replica, (K, 1, 1).
    """

    unit: float | Tensor = 1.0

    def with_unit(self, unit: float | Tensor) -> Self:
        """The metric for targets that were divided by this."""
        return replace(self, unit=unit)

    def reads(self, output: Any) -> bool:
        return "mean" in output if isinstance(output, dict) else isinstance(output, Tensor)

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
@check_arguments
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
