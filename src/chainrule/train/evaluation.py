"""The loss and the metrics of outputs for a data set, by replica."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from chainrule.data import Dataset
from chainrule.nn.errors import check_loss
from chainrule.train.metrics.base import Metric, measure_outputs
from chainrule.train.state import TrainState

__all__ = ["measure"]


def measure(
    state: TrainState, y: Any, data: Dataset, metrics: Mapping[str, Metric] | None = None
) -> dict[str, Tensor]:
    """The loss and the metrics of outputs for a data set, which has the net's replicas.

    ``metrics`` are the state's, as :func:`prepare_metrics` has them for these data.
    """
    loss, _ = check_loss(state.criterion, state.criterion.forward(y, data.targets), y, reduced=True)
    axis = state.net.num_replica_dims
    metrics = state.metrics if metrics is None else metrics
    return {"loss": loss, **measure_outputs(metrics, y, data.targets, axis)}
