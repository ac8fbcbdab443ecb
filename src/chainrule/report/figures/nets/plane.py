"""What a net learned, over the plane of its two inputs."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from chainrule.report.figure_data.nets.plane import PlaneData, plane_data
from chainrule.report.figures.drawn import Drawn
from chainrule.report.figures.style import new_figure

if TYPE_CHECKING:
    from chainrule.data import Dataset
    from chainrule.nn.module import Module

__all__ = ["draw_plane", "plane"]


def plane(
    net: Module, data: Dataset | None = None, *, points: int = 200, ax: Axes | None = None
) -> Drawn[Axes]:
    """What a plain net with inputs (N, 2) learned: its decision over the plane, and the data.

    Colour: output 1 minus output 0, or the only output there is.
    """
    drawn = new_figure(4.6, 5.4, ax=ax)
    draw_plane(plane_data(net, data, points=points), drawn.axes)
    return drawn


def draw_plane(data: PlaneData, axes: Axes) -> None:
    """The scores in colour, a line at 0, and the points of each class."""
    low, high = data.low, data.high
    axes.grid(visible=False)
    bound = float(np.abs(data.scores).max()) or 1.0
    image = axes.imshow(
        data.scores,
        origin="lower",
        extent=(low, high, low, high),
        cmap="RdBu_r",
        vmin=-bound,
        vmax=bound,
        aspect="equal",
    )
    side = np.linspace(low, high, len(data.scores))
    axes.contour(side, side, data.scores, levels=[0.0], colors="k", linewidths=1)
    axes.figure.colorbar(image, ax=axes, label=data.quantity)
    for found, marker in zip(data.classes, cycle("o^sDvPX*")):
        x, y = found.points.T
        label = f"class {found.label}"
        axes.scatter(x, y, s=8, marker=marker, color="k", alpha=0.6, label=label)
    if data.classes:
        axes.legend(loc="upper right", markerscale=2.5, framealpha=0.9)
    axes.set(xlabel="x₁", ylabel="x₂")
