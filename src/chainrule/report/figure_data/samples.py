"""What a data set looks like: points of a plane, images, or the columns of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from chainrule.data import Dataset
from chainrule.report.figure_data.base import FigureData
from chainrule.report.figure_data.nets.plane import ClassPoints, class_labels, group_by_class

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
    if x.shape[1:] == (2,) and isinstance(data.targets, Tensor) and _are_classes(data.targets):
        return PointsData(group_by_class(x, class_labels(data.targets.cpu())))
    if x.ndim == 2 and x.shape[1] <= MAX_COLUMNS:
        return _build_columns(data, x)
    raise ValueError(
        f"expected points (N, 2), images (N, 1 to 3, H, W) or a table (N, up to {MAX_COLUMNS}), "
        f"got inputs {tuple(x.shape)}"
    )


def _are_classes(targets: Tensor) -> bool:
    return not targets.is_floating_point() or len(torch.unique(targets)) == 2


def _build_images(data: Dataset, x: Tensor) -> ImagesData:
    if targets := _find_image_targets(data):
        columns = [torch.constant_pad_nd(t.cpu(), (0, 0, 0, 1)) for t in (x, *targets)]
        shown = torch.cat([t[:MAX_TALL] for t in columns], -2)[..., :-1, :]
        return _build_images(Dataset(shown, torch.zeros(len(shown), 0)), shown)
    low, high = x.min(), x.max()
    pairs = x.ndim == 4 and x.shape[1] == 2
    first = x[: MAX_PAIRS if pairs else MAX_IMAGES]
    scaled = ((first - low) / (high - low).clamp(min=1e-12)).float()
    return ImagesData(
        [_to_pixels(image).numpy() for image in scaled],
        [_describe_target(data, i) for i in range(len(scaled))],
        pairs,
    )


def _find_image_targets(data: Dataset) -> list[Tensor]:
    """The targets of image inputs, where each of them is an image of that size."""
    targets = [data.targets] if isinstance(data.targets, Tensor) else [*data.targets.values()]
    are_images = all(t.ndim > 2 and t.shape == data.inputs.shape for t in targets)
    return targets if are_images else []


def _to_pixels(image: Tensor) -> Tensor:
    """As matplotlib has it: (H, W) grey, (H, W, 3) in colour        image (H, W) or (C, H, W)"""
    if image.ndim == 2:
        return image
    if len(image) == 3:
        return image.permute(1, 2, 0)
    return torch.cat(list(torch.constant_pad_nd(image, (0, 1), 1.0)), -1)[:, :-1]


def _describe_target(data: Dataset, i: int) -> list[str]:
    """What is to be said of sample i: ``7``, or ``digit 7`` and ``color 2``."""
    if isinstance(data.targets, Tensor):
        if not data.targets[i].numel():
            return []
        return [str(_target_number(data.targets[i]))]
    return [f"{name} {_target_number(target[i])}" for name, target in data.targets.items()]


def _target_number(target: Tensor) -> int | float:
    if target.numel() > 1:
        return int(target.argmax())
    return round(float(target), 2) if target.is_floating_point() else int(target)


def _build_columns(data: Dataset, x: Tensor) -> HistogramsData:
    targets = {"target": data.targets} if isinstance(data.targets, Tensor) else data.targets
    inputs = {f"x{i + 1}": column for i, column in enumerate(x.unbind(1))}
    single = {name: t.cpu() for name, t in targets.items() if t.numel() == len(t)}
    return HistogramsData(
        [
            ColumnValues(name, np.asarray(values.flatten()), is_target=name in targets)
            for name, values in (inputs | single).items()
        ]
    )
