"""What is counted beside the loss: a metric gives one number a sample, (…, N), or one over all (…).

Of numbers by sample the trainer takes the mean, for each replica on its own; TransformedMean goes
on from there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self, TypeAlias

import torch
from torch import Tensor

from chainrule._util.kinds import describe_object
from chainrule._util.pytree import named_leaves, tree_map
from chainrule.nn.loss import Loss

__all__ = [
    "DecisionMetric",
    "Metric",
    "RowMetric",
    "TransformedMean",
    "average_metric",
    "evaluate_metric",
    "measure_outputs",
    "measure_several",
    "prepare_metrics",
    "total_counted",
    "transform_mean",
]

Metric: TypeAlias = Callable[[Any, Any], Tensor]
"""(output, target) → a number a sample, (N,), of which the mean is taken; or one over all samples,
(). In a cohort (K, N), or (K,): no number is of several replicas."""


class RowMetric(ABC):
    """A metric of outputs that are rows, (…, N, L); of one number each they may be (…, N)."""

    def reads(self, output: Any) -> bool:
        """Whether it is of this one output, or knows which of several it is of."""
        head = getattr(self, "head", None)
        if isinstance(output, dict):
            return head in output
        return head is None and isinstance(output, Tensor)

    @abstractmethod
    def __call__(self, output: Any, target: Any) -> Tensor:
        """A number a sample, or one over all: see :data:`Metric`."""


class TransformedMean(ABC):
    """A metric that is not the mean over the samples, but something of it: its root."""

    @abstractmethod
    def transform(self, mean: Tensor) -> Tensor:
        """The metric, of the mean over the samples."""


def average_metric(metric: Metric, output: Any, target: Any, axis: int) -> Tensor:
    """A metric over the samples, which are on this axis.

    In float64: 987 of 1,000 is 0.987, and prints so. A metric that gives one number over all of
    them has done so itself. Raises ValueError for numbers of another shape.
    """
    found = evaluate_metric(metric, output, target, axis)
    if found.dim() == axis:
        return found.double()
    total, n = total_counted(metric, found, target, axis)
    return transform_mean(metric, total / n)


def total_counted(
    metric: Metric, found: Tensor, target: Any, axis: int
) -> tuple[Tensor, Tensor | int]:
    """The sum of a metric's numbers over the samples that count, in float64, and how many do."""
    counted = metric.select_counted(target) if isinstance(metric, DecisionMetric) else None
    if counted is None:
        return found.sum(axis, dtype=torch.float64), found.shape[axis]
    counted = counted.expand(found.shape)
    return found.masked_fill(~counted, 0).sum(axis, dtype=torch.float64), counted.sum(axis)


def evaluate_metric(metric: Metric, output: Any, target: Any, axis: int) -> Tensor:
    """What a metric gives: a number a sample (…, N), or one over all (…). Raises ValueError."""
    if isinstance(metric, RowMetric):
        output = shape_rows(metric, output, axis)
    found: Any = metric(output, target)
    if not isinstance(found, Tensor):
        got = describe_object(found)
        raise TypeError(
            f"{describe_metric(metric)}: expected a tensor, one number a sample, got {got}"
        )
    shape = next(leaf for _, leaf in named_leaves(output)).shape[: axis + 1]
    if found.shape != shape[:axis] and found.dim() != axis + 1:
        raise ValueError(
            f"{describe_metric(metric)}: expected one number a sample, {tuple(shape)}, or one over "
            f"all samples, {tuple(shape[:axis])}, got the shape {tuple(found.shape)}"
        )
    return found


def describe_metric(metric: Metric) -> str:
    """What a message calls it: a function by its name."""
    return f"metric {getattr(metric, '__name__', metric)}"


def shape_rows(metric: RowMetric, output: Any, axis: int) -> Any:
    """The outputs as rows (…, N, L). Raises ValueError where it is not said which of several."""
    if not metric.reads(output):
        if isinstance(output, Tensor):
            raise ValueError(
                f"{describe_metric(metric)}: there is one output, and no head has a name"
            )
        heads = f"of the heads {', '.join(output)}" if isinstance(output, dict) else "several"
        raise ValueError(
            f"{describe_metric(metric)}: the outputs are {heads}; expected one, or head=NAME"
        )
    return tree_map(lambda t: t.unsqueeze(-1) if t.dim() == axis + 1 else t, output)


def transform_mean(metric: Metric, mean: Tensor) -> Tensor:
    """The metric, of the mean of its numbers over the samples."""
    return metric.transform(mean) if isinstance(metric, TransformedMean) else mean


def prepare_metrics(
    metrics: Mapping[str, Metric], find_targets: Callable[[], Any]
) -> dict[str, Metric]:
    """The metrics for some of the samples with these targets, or for all, time and again."""
    return {
        name: each.with_targets(find_targets()) if isinstance(each, DecisionMetric) else each
        for name, each in metrics.items()
    }


def measure_outputs(
    metrics: Mapping[str, Metric], output: Any, target: Any, axis: int
) -> dict[str, Tensor]:
    """Each metric over the samples, which are on this axis: name → (K,), or a scalar."""
    return {name: average_metric(f, output, target, axis) for name, f in metrics.items()}


STACKED_NUMBERS = 2**15
"""Of outputs that are measured side by side: of more, numbers leave the core's first cache."""


def measure_several(
    metrics: Mapping[str, Metric], outputs: Sequence[Any], targets: Sequence[Any], axis: int
) -> list[dict[str, Tensor]]:
    """The same of several outputs alike, each for its targets.

    Small ones are taken side by side where a metric can: starting an operation is most of their
    work.
    """
    numbers = sum(leaf.numel() for output in outputs[:1] for _, leaf in named_leaves(output))
    room = max(1, STACKED_NUMBERS // max(1, numbers))
    starts = range(0, len(outputs), room)
    parts = [(outputs[i : i + room], targets[i : i + room]) for i in starts]
    return [each for part in parts for each in measure_stacked(metrics, *part, axis)]


def measure_stacked(
    metrics: Mapping[str, Metric], outputs: Sequence[Any], targets: Sequence[Any], axis: int
) -> list[dict[str, Tensor]]:
    """The same, all side by side."""
    found: list[dict[str, Tensor]] = [{} for _ in outputs]
    at_once = [name for name, f in metrics.items() if isinstance(f, DecisionMetric) and f.stacks]
    if len(outputs) > 1 and at_once:
        output, target = stack_values(outputs), stack_values(targets)
        for name in at_once:
            averages = average_metric(metrics[name], output, target, axis + 1).unbind()
            for each, value in zip(found, averages, strict=True):
                each[name] = value
    for each, output, target in zip(found, outputs, targets, strict=True):
        others = {name: f for name, f in metrics.items() if name not in each}
        each |= measure_outputs(others, output, target, axis)
    return [{name: each[name] for name in metrics} for each in found]


def stack_values(values: Sequence[Any]) -> Any:
    """Values of one structure as one, along a new first axis; one that is there again is not
    copied.
    """
    first = values[0]
    if all(value is first for value in values):
        return tree_map(lambda t: t.expand(len(values), *t.shape), first)
    if isinstance(first, dict):
        return {key: stack_values([value[key] for value in values]) for key in first}
    if isinstance(first, tuple | list):
        return type(first)(map(stack_values, zip(*values, strict=True)))
    return torch.stack([*values])


class DecisionMetric(RowMetric, ABC):
    """A metric of decisions, of which the loss that a net learns by says how they are made.

    ``stacks``: whether it takes outputs and targets with one axis more before the others.
    """

    stacks: ClassVar[bool] = False

    @abstractmethod
    def with_loss(self, criterion: Loss) -> Self:
        """The metric for the outputs of a net that learns by this loss; a trainer asks for it."""

    def with_targets(self, targets: Any) -> Self:
        """The metric for some of these samples, whose decisions are those of the whole."""
        return self

    def select_counted(self, target: Any) -> Tensor | None:
        """Which samples have a target that counts (…, N); None where all do."""
        return None
