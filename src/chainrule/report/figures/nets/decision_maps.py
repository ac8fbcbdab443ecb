"""What the saved nets of a study learned, over the plane of their two inputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from matplotlib.figure import FigureBase
from numpy.typing import NDArray

from chainrule.report.figure_data.nets.decision_maps import (
    PlaneOutputsData,
    PlanePredictionsData,
    PredictionPanel,
    plane_outputs_data,
    plane_predictions_data,
)
from chainrule.report.figures.drawn import Drawn
from chainrule.report.figures.style import WIDTH, draw_panels, escape_math
from chainrule.report.line_styles import line_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from chainrule.report.data import ReportData
    from chainrule.study import StudyResult

__all__ = ["draw_plane_outputs", "draw_plane_predictions", "plane_outputs", "plane_predictions"]

Grid: TypeAlias = NDArray[Any]
MAX_COLUMNS = 5
COLOR_LEVELS = 16


def plane_outputs(
    result: StudyResult | ReportData,
    nets: str | Path,
    arms: str = "*",
    *,
    points: int = 120,
    figure: FigureBase | None = None,
    ax: Axes | None = None,
) -> Drawn[Grid]:
    """A panel an arm that matches, of one arm a panel a round: the nets' mean output in colour.

    It is output 1 minus output 0, or a single output less the metric's threshold. A line is where
    the net of one round decides. ``nets`` is the folder in which the run saved them. Raises
    ValueError for a study whose inputs are no points of a plane, or nets that are not there.
    """
    data = plane_outputs_data(result, nets, arms, points=points)
    return draw_panels(draw_plane_outputs, data, _figure_size(len(data.panels)), figure, ax)


def draw_plane_outputs(data: PlaneOutputsData, figure: FigureBase) -> Grid:
    """The panels in an empty figure, all of one scale of colours; returns their axes."""
    grid = _add_panels(figure, [panel.title for panel in data.panels])
    bound = max(float(np.abs(panel.maps.mean(0)).max()) for panel in data.panels) or 1.0
    levels = np.linspace(-bound, bound, COLOR_LEVELS + 1)
    for panel, axes in zip(data.panels, grid, strict=True):
        side = np.linspace(data.low, data.high, panel.maps.shape[-1])
        colors = axes.contourf(side, side, panel.maps.mean(0), levels=levels, cmap="RdBu_r")
        for scores in panel.maps:
            if scores.min() < 0 < scores.max():
                axes.contour(side, side, scores, levels=[0.0], colors="k", linewidths=0.5)
    figure.colorbar(colors, ax=list(grid), shrink=0.7, label="mean output", format="%.2g")
    return grid


def plane_predictions(
    result: StudyResult | ReportData,
    nets: str | Path,
    arms: str = "*",
    *,
    figure: FigureBase | None = None,
    ax: Axes | None = None,
) -> Drawn[Grid]:
    """The test points of each panel's rounds, coloured by the class that the net predicts.

    The titles say how many are right. Panels, arguments and errors as those of
    :func:`plane_outputs`.
    """
    data = plane_predictions_data(result, nets, arms)
    return draw_panels(draw_plane_predictions, data, _figure_size(len(data.panels)), figure, ax)


def draw_plane_predictions(data: PlanePredictionsData, figure: FigureBase) -> Grid:
    """The panels in an empty figure; returns their axes."""
    grid = _add_panels(figure, [panel.title for panel in data.panels])
    for panel, axes in zip(data.panels, grid, strict=True):
        _draw_classes(panel, axes)
        axes.set_title(f"{axes.get_title()}: {panel.accuracy:.1%}", fontsize=8)
    _add_class_legend(figure, grid)
    return grid


def _draw_classes(panel: PredictionPanel, axes: Axes) -> None:
    """The points of each class; smaller ones where there are many."""
    size = min(12.0, 80 / sum(len(found.points) for found in panel.classes) ** 0.5)
    for found in panel.classes:
        (x, y), color = found.points.T, line_style(found.label).color
        label = f"predicted class {found.label}"
        axes.scatter(x, y, s=size, lw=0, color=color, label=label)


def _add_class_legend(figure: FigureBase, grid: Grid) -> None:
    """Each colour that is in any panel, once."""
    found = [axes.get_legend_handles_labels() for axes in grid]
    handles = {name: h for marks, names in found for h, name in zip(marks, names, strict=True)}
    names = sorted(handles)
    figure.legend(
        [handles[name] for name in names],
        names,
        loc="outside lower center",
        ncols=len(names),
        markerscale=3,
        frameon=False,
    )


def _count_columns(panels: int) -> int:
    return min(panels, MAX_COLUMNS if panels > 6 else 3)


def _figure_size(panels: int) -> tuple[float, float]:
    columns = _count_columns(panels)
    return WIDTH, 0.6 + 1.0 * WIDTH / columns * -(-panels // columns)


def _add_panels(figure: FigureBase, titles: Sequence[str]) -> Grid:
    """Axes with these titles, which share their scales."""
    columns = _count_columns(len(titles))
    rows = -(-len(titles) // columns)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flatten()
    for axes in grid[len(titles) :]:
        axes.remove()
    for title, axes in zip(titles, grid, strict=False):
        axes.set_title(escape_math(title), fontsize=9)
        axes.set_aspect("equal")
        axes.tick_params(labelsize=7)
    return grid[: len(titles)]
