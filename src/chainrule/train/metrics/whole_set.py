"""Metrics of the whole set of samples, which are no mean over them: F1, AUC, R², …

Each gives one number a replica, ``()`` for a plain net and ``(K,)`` for a cohort, in float64, nan
where an output is, and for no samples; ``head`` names the output and target to judge where a net
has several. They are scikit-learn's, to rounding.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal, final

import torch
from torch import Tensor

from chainrule._util.argument_checks import check_arguments
from chainrule.train.metrics.by_sample import HeadMetric, choose_threshold, decide, match_axes

__all__ = [
    "AUC",
    "F1",
    "R2",
    "AveragePrecision",
    "BalancedAccuracy",
    "CalibrationError",
    "MatthewsCorrelation",
    "Precision",
    "Recall",
]

Average = Literal["binary", "macro", "weighted"]
AVERAGES = ("binary", "macro", "weighted")


@dataclass(frozen=True)
class SetMetric(HeadMetric, ABC):
    """What these metrics share: the head, how a single output is decided, and who does not count.

    ``threshold`` and ``ignore_index`` as in :class:`Accuracy`: what a trainer's loss means, unless
    they are given.
    """

    def __call__(self, output: Any, target: Any) -> Tensor:
        counted = self.select_counted(target)
        if self.head is not None:
            output, target = output[self.head], target[self.head]
        if counted is None:
            return self._measure_known(output, target)
        counted = counted.expand(output.shape[:-1])  # of each replica others
        rows = (x.reshape(-1, counted.shape[-1]) for x in (target.expand_as(counted), counted))
        each = zip(output.reshape(-1, *output.shape[-2:]), *rows, strict=True)
        values = [self._measure_known(y[some], t[some]) for y, t, some in each]
        return torch.stack(values).reshape(counted.shape[:-1])

    def _measure_known(self, output: Tensor, target: Tensor) -> Tensor:
        """The metric of samples that count; nan where a net has diverged, and for none."""
        unknown = output.isnan().any(-1).any(-1) | (not output.shape[-2])
        value = self.measure(output.double().nan_to_num(), target)
        return value.masked_fill(unknown, torch.nan)

    @abstractmethod
    def measure(self, output: Tensor, target: Tensor) -> Tensor:
        """The metric (…) of outputs (…, N, L) in float64, and their targets."""


@dataclass(frozen=True)
class ConfusionMetric(SetMetric, ABC):
    """A metric of decisions, counted by class: the decision is that of :class:`Accuracy`."""

    def measure(self, output: Tensor, target: Tensor) -> Tensor:
        return self.summarize(count_decisions(output, target, self.threshold))

    @abstractmethod
    def summarize(self, counts: Tensor) -> Tensor:
        """The metric (…) of the counts (…, L, L): rows are the true classes, columns decisions."""


@dataclass(frozen=True)
class AveragedMetric(ConfusionMetric, ABC):
    """A number for each class, of which one is wanted: that of class 1, or a mean.

    ``average``: ``binary``: that of class 1, of two classes; ``macro``: the mean over the classes
    that occur, in targets or decisions; ``weighted``: each as much as it has samples. Raises
    ValueError for another.
    """

    average: Average = "binary"

    def __post_init__(self) -> None:
        if self.average not in AVERAGES:
            raise ValueError(
                f"{type(self).__name__}: expected an average of {', '.join(AVERAGES)}, got "
                f"{self.average!r}"
            )

    def summarize(self, counts: Tensor) -> Tensor:
        name = type(self).__name__
        if self.average == "binary":
            if counts.shape[-1] > 2:
                raise ValueError(
                    f"{name}: binary is of two classes, and there are {counts.shape[-1]}; expected "
                    'average = "macro" or "weighted"'
                )
            return self.score_classes(counts)[..., 1]
        support, decided = counts.sum(-1), counts.sum(-2)
        weight = support if self.average == "weighted" else ((support + decided) > 0).double()
        return (self.score_classes(counts) * weight).sum(-1) / weight.sum(-1)

    @abstractmethod
    def score_classes(self, counts: Tensor) -> Tensor:
        """The number of each class (…, L); 0 where its divisor is."""


@final
@check_arguments
@dataclass(frozen=True)
class Precision(AveragedMetric):
    """TP / (TP + FP): of those decided for a class, the share that is of it"""

    def score_classes(self, counts: Tensor) -> Tensor:
        return divide(counts.diagonal(dim1=-2, dim2=-1), counts.sum(-2))


@final
@check_arguments
@dataclass(frozen=True)
class Recall(AveragedMetric):
    """TP / (TP + FN): of those of a class, the share that is decided for it"""

    def score_classes(self, counts: Tensor) -> Tensor:
        return divide(counts.diagonal(dim1=-2, dim2=-1), counts.sum(-1))


@final
@check_arguments
@dataclass(frozen=True)
class F1(AveragedMetric):
    """2 TP / (2 TP + FP + FN): the harmonic mean of precision and recall"""

    def score_classes(self, counts: Tensor) -> Tensor:
        return divide(2 * counts.diagonal(dim1=-2, dim2=-1), counts.sum(-1) + counts.sum(-2))


@final
@check_arguments
@dataclass(frozen=True)
class BalancedAccuracy(ConfusionMetric):
    """The mean recall over the classes that there are samples of: ½ for one answer to two classes

    (Brodersen, Ong, Stephan and Buhmann 2010.)
    """

    def summarize(self, counts: Tensor) -> Tensor:
        support = counts.sum(-1)
        recall = divide(counts.diagonal(dim1=-2, dim2=-1), support)
        return recall.sum(-1) / (support > 0).sum(-1)


@final
@check_arguments
@dataclass(frozen=True)
class MatthewsCorrelation(ConfusionMetric):
    """(c s − Σ tₖ pₖ) / √((s² − Σ pₖ²) (s² − Σ tₖ²)), 0 where the divisor is

    of s samples c are right, tₖ are of class k and pₖ decided for it. (Matthews 1975; Gorodkin
    2004.)
    """

    def summarize(self, counts: Tensor) -> Tensor:
        true, decided, size = counts.sum(-1), counts.sum(-2), counts.sum((-2, -1))
        right = counts.diagonal(dim1=-2, dim2=-1).sum(-1)
        covariance = right * size - (true * decided).sum(-1)
        spreads = (size**2 - (decided**2).sum(-1)) * (size**2 - (true**2).sum(-1))
        return divide(covariance, spreads.sqrt())


@final
@check_arguments
@dataclass(frozen=True)
class AUC(SetMetric):
    """The probability that a sample of class 1 has a larger score than one of class 0; ties count ½

    The area under the ROC curve. The score is the single output, or the difference of two. With
    more classes it is the mean over them, each against the rest, of the outputs' class
    probabilities. nan without samples of both. (Hanley and McNeil 1982.)
    """

    def measure(self, output: Tensor, target: Tensor) -> Tensor:
        scores, truths = score_each_class(output, target, self.threshold)
        return rank_area(scores, truths).mean(-1)


@final
@check_arguments
@dataclass(frozen=True)
class AveragePrecision(SetMetric):
    """Σₙ (Rₙ − Rₙ₋₁) Pₙ, over the scores as thresholds, the largest first

    The area under the curve of precision P over recall R, by steps; scores as in :class:`AUC`. Of
    more than two classes the mean over them. nan without samples of class 1.
    """

    def measure(self, output: Tensor, target: Tensor) -> Tensor:
        scores, truths = score_each_class(output, target, self.threshold)
        return step_area(scores, truths).mean(-1)


@final
@check_arguments
@dataclass(frozen=True)
class CalibrationError(SetMetric):
    """Σ_b n_b / N |accuracy_b − confidence_b|, over ``bins`` of equal width, (low, high]

    The confidence is the probability of the decision: from a single output's sigmoid where it is a
    logit, else itself. (Naeini, Cooper and Hauskrecht 2015; Guo et al. 2017.)

    Raises ValueError for no bin.
    """

    bins: int = 10

    def __post_init__(self) -> None:
        if self.bins < 1:
            raise ValueError(f"CalibrationError: expected at least 1 bin, got {self.bins}")

    def measure(self, output: Tensor, target: Tensor) -> Tensor:
        decided, wanted = decide(output, target, self.threshold)
        right = (decided == wanted).double()
        if output.shape[-1] > 1:
            confidence = class_probabilities(output).amax(-1)
        else:
            is_logit = choose_threshold(target, self.threshold) == 0
            p = (output.sigmoid() if is_logit else output).squeeze(-1)
            confidence = torch.maximum(p, 1 - p)
        edges = torch.linspace(0, 1, self.bins + 1, dtype=torch.float64, device=output.device)
        place = torch.bucketize(confidence, edges[1:-1].contiguous())
        gaps = torch.zeros(*right.shape[:-1], self.bins, dtype=torch.float64, device=output.device)
        gaps = gaps.scatter_add(-1, place, right - confidence)
        return gaps.abs().sum(-1) / right.shape[-1]


@final
@check_arguments
@dataclass(frozen=True)
class R2(SetMetric):
    """1 − Σ (t − o)² / Σ (t − t̄)², the mean over D numbers        output (…, N, D)

    1 where every target is met, 0 for their mean as the answer to all; where targets do not vary
    it is 1 if all are met, else 0. An output may be a dict with ``mean``.
    """

    def __call__(self, output: Any, target: Any) -> Tensor:
        if self.head is not None:
            output, target = output[self.head], target[self.head]
        mean = output["mean"] if isinstance(output, dict) else output
        unknown = (mean + match_axes(target, mean)).isnan().any(-1).any(-1) | (not mean.shape[-2])
        return self.measure(mean.double(), target).masked_fill(unknown, torch.nan)

    def reads(self, output: Any) -> bool:
        return super().reads(output) or (isinstance(output, dict) and "mean" in output)

    def measure(self, output: Tensor, target: Tensor) -> Tensor:
        target = match_axes(target, output).double()
        errors = (target - output).square().sum(-2)
        spread = (target - target.mean(-2, keepdim=True)).square().sum(-2).expand_as(errors)
        shares = torch.where(spread > 0, 1 - errors / spread, (errors == 0).double())
        return shares.mean(-1)


def divide(a: Tensor, b: Tensor) -> Tensor:
    """a / b, 0 where b is."""
    return torch.where(b != 0, a / b, torch.zeros_like(a, dtype=torch.float64))


def count_decisions(output: Tensor, target: Tensor, threshold: float | None) -> Tensor:
    """How many samples of each class were decided for which (…, L, L), float64."""
    decided, wanted = decide(output, target, threshold)
    decided, wanted = decided.long(), wanted.long().expand(decided.shape)
    if wanted.numel() and int(wanted.min()) < 0:
        raise ValueError(
            f"expected classes from 0 on, got {int(wanted.min())}: where samples of it do not "
            f"count, say ignore_index={int(wanted.min())}"
        )
    classes = max(2, output.shape[-1], int(wanted.max()) + 1 if wanted.numel() else 0)
    counts = torch.zeros(
        *decided.shape[:-1], classes * classes, dtype=torch.float64, device=output.device
    )
    ones = torch.ones_like(decided, dtype=torch.float64)
    counts = counts.scatter_add(-1, wanted * classes + decided, ones)
    return counts.reshape(*decided.shape[:-1], classes, classes)


def class_probabilities(output: Tensor) -> Tensor:
    """Those of outputs (…, N, L): as they are where they are probabilities, else their softmax.

    Each replica's by itself: one that has diverged gives none.
    """
    sums = output.sum(-1, keepdim=True)
    right = (output >= 0) & ((sums - 1).abs() < 1e-4)
    return torch.where(right.all(-1, True).all(-2, True), output, output.softmax(-1))


def score_each_class(
    output: Tensor, target: Tensor, threshold: float | None
) -> tuple[Tensor, Tensor]:
    """Scores and whether a sample is of the class (…, C, N); of two classes, of class 1 alone."""
    _, wanted = decide(output, target, threshold)
    classes = output.shape[-1]
    if classes == 1:
        scores = output.mT
    elif classes == 2:
        scores = (output[..., 1] - output[..., 0]).unsqueeze(-2)
    else:
        scores = class_probabilities(output).mT
    labels = torch.arange(classes, device=output.device) if classes > 2 else wanted.new_ones(1)
    truths = wanted.long().unsqueeze(-2) == labels.long().unsqueeze(-1)
    return scores.contiguous(), truths.expand(scores.shape)


def rank_area(scores: Tensor, truths: Tensor) -> Tensor:
    """(Σ ranks of class 1 − n₁ (n₁ + 1) / 2) / (n₁ n₀), ties share their rank"""
    order = scores.sort(-1).values
    below = torch.searchsorted(order, scores, right=False)
    upto = torch.searchsorted(order, scores, right=True)
    ranks = (below + upto + 1).double() / 2
    positives = truths.sum(-1).double()
    negatives = truths.shape[-1] - positives
    wins = (ranks * truths).sum(-1) - positives * (positives + 1) / 2
    return wins / (positives * negatives)


def step_area(scores: Tensor, truths: Tensor) -> Tensor:
    """The mean, over the samples of class 1, of the precision with their score as threshold"""
    size = scores.shape[-1]
    of_class = scores.masked_fill(~truths, -torch.inf).sort(-1).values
    decided = size - torch.searchsorted(scores.sort(-1).values, scores)
    right = size - torch.searchsorted(of_class, scores)
    precision = right.double() / decided
    return (precision * truths).sum(-1) / truths.sum(-1)
