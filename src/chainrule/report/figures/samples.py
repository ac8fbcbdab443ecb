"""What a data set looks like: points of a plane, images, or the columns of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from chainrule.data import Dataset
from chainrule.report.figures.canvas import WIDTH, line_style, plain_axes
from chainrule.report.figures.plane import classes

__all__ = ["samples"]

ACROSS, DOWN = 10, 4
"""So many images."""

MOST_COLUMNS = 16


def samples(data: Dataset) -> tuple[Figure, Any]:
    """A figure of a plain data set, and its axes; what it shows follows from the inputs.

    - (N, 2) and classes: every point, in the colour of its class;
    - (N, 1 or 3, H, W): the first images, grey or in colour, with what is to be said of them;
      (N, 2, H, W): a pair of grey images, side by side; (N, H, W): grey ones;
    - (N, D): a histogram of each column, and of the target.

    Images are shown from the smallest to the largest value in the data. Raises ValueError for
    inputs of another shape, and for no samples.
    """
    x = data.inputs.cpu()
    if data.replicas is not None or not len(data):
        raise ValueError(f"expected a plain data set with samples, got {data!r}")
    if x.ndim == 3 or (x.ndim == 4 and x.shape[1] in (1, 2, 3)):
        return _images(data, x)
    if x.shape[1:] == (2,) and isinstance(data.targets, Tensor) and _are_classes(data.targets):
        return _points(x, classes(data.targets.cpu()))
    if x.ndim == 2 and x.shape[1] <= MOST_COLUMNS:
        return _columns(data, x)
    raise ValueError(
        f"expected points (N, 2), images (N, 1 to 3, H, W) or a table (N, up to {MOST_COLUMNS}), "
        f"got inputs {tuple(x.shape)}"
    )


def _are_classes(targets: Tensor) -> bool:
    return not targets.is_floating_point() or len(torch.unique(targets)) == 2


def _points(x: Tensor, labels: Tensor) -> tuple[Figure, Any]:
    figure = Figure(figsize=(5.0, 4.4), layout="constrained")
    axes = figure.subplots()
    plain_axes(axes)
    for label in torch.unique(labels).tolist():
        of, style = x[labels == label], line_style(label)
        name = f"class {label}: {len(of)}"
        axes.scatter(of[:, 0], of[:, 1], s=9, c=style.color, marker=style.marker, lw=0, label=name)
    axes.set(xlabel="x₁", ylabel="x₂", aspect="equal")
    figure.legend(loc="outside upper center", ncols=3, frameon=False, markerscale=2)
    return figure, axes


def _images(data: Dataset, x: Tensor) -> tuple[Figure, NDArray[Any]]:
    low, high = x.min(), x.max()
    shown = ((x[: ACROSS * DOWN] - low) / (high - low).clamp(min=1e-12)).float()
    wide = shown.ndim == 4 and shown.shape[1] == 2
    across = ACROSS // 2 if wide else ACROSS
    shown = shown[: across * DOWN]
    down = -(-len(shown) // across)
    lines = 1 if wide else len(_said(data, 0))
    height = (WIDTH / ACROSS + 0.05 + 0.14 * lines) * down
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    places = figure.subplots(down, across, squeeze=False)
    for axes in places.flat:
        axes.axis("off")
    for i, axes in zip(range(len(shown)), places.flat, strict=False):
        pixels = _pixels(shown[i]).numpy()
        axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axes.set_title((", " if wide else "\n").join(_said(data, i)), fontsize=8, pad=2)
    return figure, places


def _pixels(image: Tensor) -> Tensor:
    """As matplotlib has it: (H, W) grey, (H, W, 3) in colour        image (H, W) or (C, H, W)"""
    if image.ndim == 2:
        return image
    if len(image) == 3:
        return image.permute(1, 2, 0)
    return torch.cat(list(torch.constant_pad_nd(image, (0, 1), 1.0)), -1)[:, :-1]


def _said(data: Dataset, i: int) -> list[str]:
    """What is to be told of sample i: ``7``, or ``digit 7`` and ``color 2``."""
    if isinstance(data.targets, Tensor):
        return [str(_short(data.targets[i]))]
    return [f"{name} {_short(of[i])}" for name, of in data.targets.items()]


def _short(target: Tensor) -> int | float:
    if target.numel() > 1:
        return int(target.argmax())
    return round(float(target), 2) if target.is_floating_point() else int(target)


def _columns(data: Dataset, x: Tensor) -> tuple[Figure, NDArray[Any]]:
    panels = {f"x{i + 1}": column for i, column in enumerate(x.unbind(1))}
    targets = {"target": data.targets} if isinstance(data.targets, Tensor) else data.targets
    panels |= {name: of.cpu() for name, of in targets.items() if of.numel() == len(of)}
    across = min(4, len(panels))
    down = -(-len(panels) // across)
    figure = Figure(figsize=(WIDTH, 1.7 * down), layout="constrained")
    places = figure.subplots(down, across, squeeze=False).flatten()
    for axes in places[len(panels) :]:
        axes.remove()
    for (name, values), axes in zip(panels.items(), places, strict=False):
        plain_axes(axes)
        target = name in targets
        axes.hist(np.asarray(values.flatten()), bins=20, color=line_style(int(target)).color)
        axes.set_title(name, fontsize=9)
        axes.tick_params(labelsize=7)
    return figure, places[: len(panels)]
