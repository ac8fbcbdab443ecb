"""What a net learned, over the plane of its two inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from chainrule.report.figure_data.base import FigureData

if TYPE_CHECKING:
    from torch import Tensor

    from chainrule.data import Dataset
    from chainrule.nn.module import Module

__all__ = [
    "ClassPoints",
    "PlaneData",
    "class_labels",
    "decision_score",
    "group_by_class",
    "plane_data",
    "plane_grid",
]


@final
@dataclass(frozen=True)
class ClassPoints:
    """The points (N, 2) of a class."""

    label: int
    points: NDArray[Any]


@final
@dataclass(frozen=True)
class PlaneData(FigureData):
    """A net's scores (points, points) over the square from low to high, x₂ first; and the data."""

    low: float
    high: float
    scores: NDArray[Any]
    quantity: str
    classes: Sequence[ClassPoints]


def plane_data(net: Module, data: Dataset | None = None, *, points: int = 200) -> PlaneData:
    """The numbers of :func:`chainrule.report.plane`."""
    from chainrule.train.inference import eval_mode

    low, high = (0.0, 1.0) if data is None else (float(data.inputs.min()), float(data.inputs.max()))
    with eval_mode(net):
        y = net.forward(plane_grid(low, high, points))[0]
    classes: list[ClassPoints] = []
    if data is not None and not isinstance(data.targets, dict):
        classes = group_by_class(data.inputs, class_labels(data.targets))
    return PlaneData(
        low,
        high,
        decision_score(y).reshape(points, points).T.numpy(),
        "output 1 − output 0" if y.shape[1] > 1 else "output",
        classes,
    )


def plane_grid(low: float, high: float, points: int) -> Tensor:
    """The points of a square, x₁ first    result (points², 2)"""
    import torch

    side = torch.linspace(low, high, points)
    return torch.cartesian_prod(side, side)


def decision_score(y: Tensor) -> Tensor:
    """Output 1 minus output 0, or the only output there is    y (N, L)   result (N,)"""
    return y[:, -1] - y[:, 0] if y.shape[1] > 1 else y[:, 0]


def class_labels(targets: Tensor) -> Tensor:
    """Class numbers (N,) from themselves, from one-hot rows, or from one column of two values."""
    if targets.dim() == 1:
        return targets
    if targets.shape[-1] > 1:
        return targets.argmax(-1)
    column = targets.squeeze(-1)
    return (column > (column.min() + column.max()) / 2).long()


def group_by_class(inputs: Tensor, labels: Tensor) -> list[ClassPoints]:
    """The points of each class that there is    inputs (N, 2)   labels (N,)"""
    return [
        ClassPoints(label, np.asarray(inputs[labels == label]))
        for label in np.unique(np.asarray(labels)).tolist()
    ]
