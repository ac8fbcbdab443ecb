"""Metrics over the samples of an epoch, which come a batch after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

from torch import Tensor

from chainrule._util.pytree import named_leaves
from chainrule.train.inference import join
from chainrule.train.metrics.base import (
    Metric,
    evaluate_metric,
    measure_outputs,
    prepare_metrics,
    total_counted,
    transform_mean,
)

__all__ = ["CHUNK_NUMBERS", "EpochMetrics"]

CHUNK_NUMBERS = 2**20
"""Numbers of an epoch's outputs that are measured together."""


@final
class EpochMetrics:
    """Each metric over the samples of an epoch, which come a batch after the other.

    Of numbers by sample the sums are kept, and the outputs of some batches at most; a metric that
    gives one number over all samples needs all outputs, and they are kept for it.
    ``find_targets`` gives those of the whole training set, in which a decision looks for its
    threshold.
    """

    def __init__(
        self, metrics: Mapping[str, Metric], find_targets: Callable[[], Any], axis: int
    ) -> None:
        self.metrics = prepare_metrics(metrics, find_targets)
        self.axis, self._numbers = axis, 0
        self._batches: list[tuple[Any, Any]] = []  # that are not measured yet
        self._kept: list[tuple[Any, Any]] = []  # for what needs all samples
        self._sums: dict[str, tuple[Tensor, Tensor | int]] = {}  # and of how many samples

    def add(self, output: Any, target: Any) -> None:
        """Take a batch in; with no metrics, nothing."""
        if not self.metrics:
            return
        self._batches.append((output, target))
        self._numbers += sum(leaf.numel() for _, leaf in named_leaves(output))
        if self._numbers >= CHUNK_NUMBERS:
            self._measure_batches()

    def compute(self) -> dict[str, Tensor]:
        """Name → (K,), or a scalar."""
        if not self._sums and not self._kept:
            return self._measure_all(self._batches, self.metrics)
        if self._batches:
            self._measure_batches()
        needing_all = {name: f for name, f in self.metrics.items() if name not in self._sums}
        found = self._measure_all(self._kept, needing_all)
        for name, (total, n) in self._sums.items():
            found[name] = transform_mean(self.metrics[name], total / n)
        return {name: found[name] for name in self.metrics}

    def _measure_all(
        self, batches: Sequence[tuple[Any, Any]], metrics: Mapping[str, Metric]
    ) -> dict[str, Tensor]:
        return measure_outputs(metrics, *self._join(batches), self.axis) if batches else {}

    def _measure_batches(self) -> None:
        """Add up what the batches give that are waiting."""
        output, target = self._join(self._batches)
        needs_all = False
        for name, metric in self.metrics.items():
            found = evaluate_metric(metric, output, target, self.axis)
            if found.dim() == self.axis:
                needs_all = True
            else:
                total, n = total_counted(metric, found, target, self.axis)
                before, n_before = self._sums.get(name, (0.0, 0))
                self._sums[name] = before + total, n_before + n
        self._kept += [(output, target)] if needs_all else []
        self._numbers, self._batches = 0, []

    def _join(self, batches: Sequence[tuple[Any, Any]]) -> tuple[Any, Any]:
        outputs, targets = zip(*batches, strict=True)
        return join(outputs, self.axis), join(targets, self.axis)
