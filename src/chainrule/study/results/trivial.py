"""The trivial answer: what one scores who has not looked at the inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor

from chainrule._util.pytree import tree_map
from chainrule.data import Dataset
from chainrule.recipes.component import build_component
from chainrule.recipes.errors import StudyError
from chainrule.study.round_data import RoundData
from chainrule.study.spec.study import Study
from chainrule.train.metrics.base import DecisionMetric, Metric, average_metric
from chainrule.train.metrics.by_sample import TargetUnitMetric

__all__ = ["TRIVIAL", "trivial_score", "trivial_scores"]

TRIVIAL = "trivial_"
"""Before the name of a metric: that of the trivial answer, in the rows of final trainings."""


def trivial_scores(data: RoundData, rounds: Sequence[int]) -> list[float]:
    """The study's metric of the trivial answer, on the test set of each round.

    Raises StudyError where there is none, and what making samples raises.
    """
    scores = []
    for r in rounds:
        score = trivial_score(data.study, *data.final(r), unit=data.unit(r))
        if score is None:
            raise StudyError(
                f"study {data.study.name}: no single answer has a {data.study.metric_name}"
            )
        scores.append(score)
    return scores


def trivial_score(study: Study, train: Dataset, test: Dataset, *, unit: float) -> float | None:
    """The study's metric of the trivial answer to a test set; None where no answer has one.

    That is one answer for all samples, which the training set tells: the most frequent class, the
    mean or the median of a number, the share of each class; of these the one that does best on the
    training set. ``unit`` is what targets were divided by.
    """
    sign = 1.0 if study.direction == "max" else -1.0
    judge = AnswerJudge(study, unit)
    judged = [(judge.score(answer, train), answer) for answer in list_answers(train.targets)]
    fitting = [(sign * score, answer) for score, answer in judged if score is not None]
    best = max(fitting, key=lambda pair: pair[0], default=None)
    return None if best is None else judge.score(best[1], test)


@final
class AnswerJudge:
    """The study's metric of one answer to all samples; ``unit``: what targets were divided by."""

    def __init__(self, study: Study, unit: float) -> None:
        self.criterion = study.all_arms[0].recipe.make_loss({})
        losses = {repr(arm.recipe.loss) for arm in study.all_arms}
        self.metric: Metric | None = None
        if study.metric_name in study.metrics:
            metric = build_component("metric", study.metrics[study.metric_name])
            if isinstance(metric, DecisionMetric):
                metric = metric.with_loss(self.criterion)
            self.metric = metric.with_unit(unit) if isinstance(metric, TargetUnitMetric) else metric
        self.is_common = self.metric is not None or len(losses) == 1

    def score(self, answer: Any, data: Dataset) -> float | None:
        """The metric of this answer, a row that stands for each; None where it does not fit, or
        is a loss that the arms do not share.
        """
        if not self.is_common:
            return None
        n = len(data)
        output = tree_map(lambda row: row.expand(n, *row.shape[1:]), answer)
        try:
            if self.metric is None:
                return float(self.criterion.forward(output, data.targets)[0])
            return float(average_metric(self.metric, output, data.targets, 0))
        except Exception:  # whatever a metric or a loss says of an output of another kind
            return None


def list_answers(targets: Any) -> list[Any]:
    """Answers to all samples, as outputs with one row; a dict of several heads' where they have."""
    if not isinstance(targets, Mapping):
        return list(constant_outputs(targets))
    heads = {name: list(constant_outputs(target)) for name, target in targets.items()}
    most = max(map(len, heads.values()), default=0)
    return [{name: rows[i % len(rows)] for name, rows in heads.items()} for i in range(most)]


def constant_outputs(target: Tensor) -> Iterator[Tensor]:
    """Outputs (1, …) for a target (N,) or (N, D), of what they may mean: decisions first."""
    if target.dtype == torch.bool or not target.is_floating_point():
        classes = target.long().flatten()  # those below 0 do not count, or are no classes
        shares = classes[classes >= 0].bincount(minlength=2)
        shares = shares.to(torch.get_default_dtype()) / shares.sum()
        yield torch.eye(len(shares))[shares.argmax()][None]
        yield shares.clamp_min(1e-12).log()[None]
        target = target.to(shares.dtype)
    rows: Any = target.unsqueeze(-1) if target.dim() == 1 else target
    yield most_frequent(rows)
    yield rows.mean(0, keepdim=True)
    yield rows.median(0, keepdim=True).values
    if bool(((rows >= 0) & (rows <= 1)).all()):
        yield rows.mean(0, keepdim=True).clamp(1e-12, 1 - 1e-7).logit()


def most_frequent(rows: Tensor) -> Tensor:
    """The row (1, …) that is there most often, the least of several."""
    # Of single numbers, which as rows would take many times the memory.
    of: Any = rows.flatten() if rows[0].numel() == 1 else rows
    values, counts = of.unique(dim=0 if of is rows else None, return_counts=True)
    found: Tensor = values[counts.argmax()]
    return found.reshape(1, *rows.shape[1:])
