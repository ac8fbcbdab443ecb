"""What a data set looks like: points of a plane, images, or the columns of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from chainrule.report.figure_data.base import FigureData
from chainrule.report.figure_data.nets.plane import ClassPoints, class_labels, group_by_class

if TYPE_CHECKING:
    from torch import Tensor

    from chainrule.data import Dataset

__all__ = ["ColumnValues", "HistogramsData", "ImagesData", "PointsData", "samples_data"]

MAX_IMAGES = 40
MAX_PAIRS = 20
MAX_TALL = 10
MAX_COLUMNS = 16


@final
@dataclass(frozen=True)
class PointsData(FigureData):
    """Every point, by class."""

    classes: Sequence[ClassPoints]


@final
@dataclass(frozen=True)
class ImagesData(FigureData):
    """The first images, from 0 to 1: (H, W) grey, (H, W, 3) in colour; and what is said of each.

    ``pairs``: each is two grey images, side by side. Where targets are images, they are below.
    """

    images: Sequence[NDArray[Any]]
    titles: Sequence[Sequence[str]]
    pairs: bool


@final
@dataclass(frozen=True)
class ColumnValues:
    """All values of a column."""

    name: str
    values: NDArray[Any]
    is_target: bool


@final
@dataclass(frozen=True)
class HistogramsData(FigureData):
    """Each column of a table, and of its target."""

    columns: Sequence[ColumnValues]


def samples_data(data: Dataset) -> PointsData | ImagesData | HistogramsData:
    """What to show of a plain data set; which of them follows from the inputs.

    Raises ValueError as :func:`chainrule.report.samples`.
    """
    x = data.inputs.cpu()
    if data.replicas is not None or not len(data):
        raise ValueError(f"expected a plain data set with samples, got {data!r}")
    if x.ndim == 3 or (x.ndim == 4 and x.shape[1] in (1, 2, 3)):
        return _build_images(data, x)
    if x.shape[1:] == (2,) and not isinstance(data.targets, dict) and _are_classes(data.targets):
        return PointsData(group_by_class(x, class_labels(data.targets.cpu())))
    if x.ndim == 2 and x.shape[1] <= MAX_COLUMNS:
        return _build_columns(data, x)
    raise ValueError(
        f"expected points (N, 2), images (N, 1 to 3, H, W) or a table (N, up to {MAX_COLUMNS}), "
        f"got inputs {tuple(x.shape)}"
    )


def _are_classes(targets: Tensor) -> bool:
    return not targets.is_floating_point() or len(np.unique(targets.cpu().numpy())) == 2


def _build_images(data: Dataset, x: Tensor) -> ImagesData:
    below = _find_image_targets(data)
    shown = _join_below([x, *below]) if below else x
    low, high = shown.min(), shown.max()
    pairs = x.ndim == 4 and x.shape[1] == 2
    first = shown[: MAX_PAIRS if pairs else MAX_IMAGES]
    scaled = ((first - low) / (high - low).clamp(min=1e-12)).float()
    return ImagesData(
        [_to_pixels(image.numpy()) for image in scaled],
        [[] if below else _describe_target(data, i) for i in range(len(scaled))],
        pairs,
    )


def _join_below(columns: Sequence[Tensor]) -> Tensor:
    """The first images of each, below one another, with a line between."""
    import torch

    padded = [torch.constant_pad_nd(t[:MAX_TALL].cpu(), (0, 0, 0, 1)) for t in columns]
    return torch.cat(padded, -2)[..., :-1, :]


def _find_image_targets(data: Dataset) -> list[Tensor]:
    """The targets of image inputs, where each of them is an image of that size."""
    targets = [*data.targets.values()] if isinstance(data.targets, dict) else [data.targets]
    are_images = all(t.ndim > 2 and t.shape == data.inputs.shape for t in targets)
    return targets if are_images else []


def _to_pixels(image: NDArray[Any]) -> NDArray[Any]:
    """As matplotlib has it: (H, W) grey, (H, W, 3) in colour        image (H, W) or (C, H, W)"""
    if image.ndim == 2:
        return image
    if len(image) == 3:
        return image.transpose(1, 2, 0)
    padded = np.pad(image, ((0, 0), (0, 0), (0, 1)), constant_values=1.0)
    return np.concatenate([*padded], -1)[:, :-1]


def _describe_target(data: Dataset, i: int) -> list[str]:
    """What is to be said of sample i: ``7``, or ``digit 7`` and ``color 2``."""
    if isinstance(data.targets, dict):
        return [f"{name} {_target_number(target[i])}" for name, target in data.targets.items()]
    return [str(_target_number(data.targets[i]))] if data.targets[i].numel() else []


def _target_number(target: Tensor) -> int | float:
    if target.numel() > 1:
        return int(target.argmax())
    return round(float(target), 2) if target.is_floating_point() else int(target)


def _build_columns(data: Dataset, x: Tensor) -> HistogramsData:
    targets = data.targets if isinstance(data.targets, dict) else {"target": data.targets}
    inputs = {f"x{i + 1}": column for i, column in enumerate(x.unbind(1))}
    single = {name: t.cpu() for name, t in targets.items() if t.numel() == len(t)}
    return HistogramsData(
        [
            ColumnValues(name, np.asarray(values.flatten()), is_target=name in targets)
            for name, values in (inputs | single).items()
        ]
    )
