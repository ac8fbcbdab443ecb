"""The loss and the metrics of outputs for a data set, by replica."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from chainrule.data import Dataset
from chainrule.nn.errors import check_loss
from chainrule.train.metrics.base import measure_several, prepare_metrics
from chainrule.train.state import TrainState

__all__ = ["measure", "measure_looks"]


def measure(state: TrainState, y: Any, data: Dataset) -> dict[str, Tensor]:
    """The loss and the metrics of outputs for a data set, which has the net's replicas."""
    return measure_looks(state, [y], data)[0]


def measure_looks(
    state: TrainState, outputs: Sequence[Any], data: Dataset
) -> list[dict[str, Tensor]]:
    """The same of several outputs for it, those after some epochs."""
    targets, axis = data.targets, state.net.num_replica_dims
    losses = [state.criterion.forward(y, targets) for y in outputs]
    metrics = prepare_metrics(state.metrics, lambda: targets)
    found = measure_several(metrics, outputs, [targets] * len(outputs), axis)
    return [
        {"loss": check_loss(state.criterion, loss, y, reduced=True)[0], **each}
        for y, loss, each in zip(outputs, losses, found, strict=True)
    ]
