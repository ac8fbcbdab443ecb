"""The loss and the metrics of outputs for a data set, by replica."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from chainrule.data import Dataset
from chainrule.nn.errors import check_loss
from chainrule.train.metrics.base import measure_outputs
from chainrule.train.state import TrainState

__all__ = ["measure"]


def measure(state: TrainState, y: Any, data: Dataset) -> dict[str, Tensor]:
    """The loss and the metrics of outputs for a data set, which has the net's replicas."""
    loss, _ = check_loss(state.criterion, state.criterion.forward(y, data.targets), y, reduced=True)
    axis = state.net.num_replica_dims
    return {"loss": loss, **measure_outputs(state.metrics, y, data.targets, axis)}
