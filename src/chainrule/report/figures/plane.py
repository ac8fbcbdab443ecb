"""What a net learned, over the plane of its two inputs."""

from __future__ import annotations

from itertools import cycle

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from chainrule.data import Dataset
from chainrule.nn.module import Module
from chainrule.train.inference import eval_mode

__all__ = ["classes", "plane", "score"]


def plane(net: Module, data: Dataset | None = None, *, points: int = 200) -> tuple[Figure, Axes]:
    """What a plain net with inputs (N, 2) learned: its decision over the plane, and the data.

    Colour: output 1 minus output 0, or the only output there is.
    """
    figure = Figure(figsize=(5.4, 4.6), layout="constrained")
    axes = figure.subplots()
    low, high = (0.0, 1.0) if data is None else (float(data.inputs.min()), float(data.inputs.max()))
    side = torch.linspace(low, high, points)
    grid = torch.cartesian_prod(side, side)
    with eval_mode(net):
        y = net.forward(grid)[0]
    image = score(y).reshape(points, points).T.numpy()
    bound = float(np.abs(image).max()) or 1.0
    shown = axes.imshow(
        image,
        origin="lower",
        extent=(low, high, low, high),
        cmap="RdBu_r",
        vmin=-bound,
        vmax=bound,
        aspect="equal",
    )
    axes.contour(side, side, image, levels=[0.0], colors="k", linewidths=1)
    figure.colorbar(shown, ax=axes, label="output 1 − output 0" if y.shape[1] > 1 else "output")
    if data is not None and isinstance(data.targets, torch.Tensor):
        labels = classes(data.targets)
        for label, marker in zip(torch.unique(labels).tolist(), cycle("o^sDvPX*")):
            of = data.inputs[labels == label]
            axes.scatter(
                of[:, 0], of[:, 1], s=8, marker=marker, color="k", alpha=0.6, label=f"class {label}"
            )
        axes.legend(loc="upper right", markerscale=2.5, framealpha=0.9)
    axes.set(xlabel="x₁", ylabel="x₂")
    return figure, axes


def score(y: Tensor) -> Tensor:
    """Output 1 minus output 0, or the only output there is    y (N, L)   result (N,)"""
    return y[:, -1] - y[:, 0] if y.shape[1] > 1 else y[:, 0]


def classes(targets: Tensor) -> Tensor:
    """Class numbers (N,) from themselves, from one-hot rows, or from one column of two values."""
    if targets.dim() == 1:
        return targets
    if targets.shape[-1] > 1:
        return targets.argmax(-1)
    column = targets.squeeze(-1)
    return (column > (column.min() + column.max()) / 2).long()
