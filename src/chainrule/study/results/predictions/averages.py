"""The mean of several nets' outputs, and what a study's metric says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from chainrule.recipes.component import build_component
from chainrule.recipes.errors import StudyError
from chainrule.statistics import special
from chainrule.study.results.predictions.decisions import PROBABILITIES, softmax
from chainrule.study.store.predictions import Predictions

if TYPE_CHECKING:
    from chainrule.nn.loss import Loss
    from chainrule.study.spec.study import Study

__all__ = ["OutputAverage"]

SMALLEST = 1e-300
"""A probability has a logarithm."""


@final
class OutputAverage:
    """The mean of arms' outputs: of class probabilities where their losses make some.

    All arms must have losses of one kind. Raises StudyError where they have not, and for a loss as
    the metric, which is of one arm.
    """

    def __init__(self, study: Study, arms: Sequence[str]) -> None:
        from chainrule.train.metrics.base import DecisionMetric

        self.study = study
        self.sign = 1.0 if study.direction == "max" else -1.0
        losses = {arm: study.select(arm)[0].recipe.make_loss({}) for arm in arms}
        kinds = {arm: find_output_kind(loss) for arm, loss in losses.items()}
        first = arms[0]
        if odd := [arm for arm in arms if kinds[arm] != kinds[first]]:
            raise StudyError(
                f"arms {first} and {odd[0]}: outputs for different losses have no mean; choose "
                "arms of one loss with --arms"
            )
        component = study.metrics.get(study.metric_name)
        if component is None:
            raise StudyError(
                f"study {study.name}: expected a metric of single samples, got "
                f"{study.metric_name!r}"
            )
        self.kind = kinds[first]
        metric = build_component("metric", component)
        is_decision = isinstance(metric, DecisionMetric)
        self.metric = metric.with_loss(losses[first]) if is_decision else metric

    def score(self, found: Mapping[str, Predictions], members: Mapping[str, int]) -> float:
        """The metric of the members' mean; less is turned, so that larger is better."""
        from chainrule.train.metrics.base import average_metric

        metric, output, target = self._measure(found, members)
        return self.sign * float(average_metric(metric, output, target, 0))

    def sample_gain(
        self,
        found: Mapping[str, Predictions],
        members: Mapping[str, int],
        others: Mapping[str, int],
    ) -> NDArray[np.float64]:
        """By how much the members are better than the others on each sample, (N,)."""
        values = [
            metric(output, target).double().numpy()
            for metric, output, target in (self._measure(found, of) for of in (members, others))
        ]
        gain: NDArray[np.float64] = self.sign * (values[0] - values[1])
        return gain

    def _measure(
        self, found: Mapping[str, Predictions], members: Mapping[str, int]
    ) -> tuple[Any, Any, Any]:
        """The metric in the targets' unit, the members' mean, the targets."""
        from chainrule.train.metrics.by_sample import TargetUnitMetric

        first = found[next(iter(members))]
        total = sum(members.values())
        outputs = average_outputs(
            [(found[name].outputs, count / total) for name, count in members.items()], self.kind
        )
        is_in_unit = isinstance(self.metric, TargetUnitMetric)
        metric = self.metric.with_unit(first.unit) if is_in_unit else self.metric
        return metric, as_tensors(outputs), as_tensors(first.targets)


def find_output_kind(loss: Loss) -> Any:
    """How outputs for a loss become probabilities: "softmax", …, or the loss's name; of each head.

    Outputs of one kind may be averaged.
    """
    from chainrule.nn.loss import MultiLoss

    if isinstance(loss, MultiLoss):
        return {name: find_output_kind(each) for name, each in loss.losses.items()}
    name = type(loss).__name__
    return PROBABILITIES.get(name, name)


def average_outputs(parts: Sequence[tuple[Any, float]], kind: Any) -> Any:
    """Σ share · outputs, of probabilities where the kind makes some, in the form of the outputs."""
    first = parts[0][0]
    if isinstance(first, Mapping):
        kinds = kind if isinstance(kind, Mapping) else dict.fromkeys(first, kind)
        return {
            name: average_outputs([(o[name], share) for o, share in parts], kinds.get(name, ""))
            for name in first
        }
    if len(parts) == 1:
        return first
    arrays = [(np.asarray(o, np.float64), share) for o, share in parts]
    if kind == "softmax":
        mean = np.maximum(sum(share * softmax(o) for o, share in arrays), SMALLEST)
        return np.log(mean / mean.sum(axis=-1, keepdims=True))
    if kind == "sigmoid":
        return special.logit(sum(share * special.expit(o) for o, share in arrays))
    return sum(share * o for o, share in arrays)


def as_tensors(value: Any) -> Any:
    """Arrays as tensors; numbers in double precision."""
    import torch

    if isinstance(value, Mapping):
        return {name: as_tensors(each) for name, each in value.items()}
    tensor = torch.from_numpy(np.array(value))
    return tensor.double() if tensor.is_floating_point() else tensor
