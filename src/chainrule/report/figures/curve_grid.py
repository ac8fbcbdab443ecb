"""A panel an arm: its loss and its metric, in training and on the test set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from chainrule.report.figure_data.curve_grid import (
    SIDES,
    CurveGridData,
    CurvePanel,
    curve_grid_data,
)
from chainrule.report.figures.curves import draw_curve
from chainrule.report.figures.drawn import Drawn
from chainrule.report.figures.style import (
    WIDTH,
    draw_panels,
    escape_math,
    format_ticks,
    set_epoch_ticks,
    style_axes,
)
from chainrule.report.line_styles import LineStyle, line_style

if TYPE_CHECKING:
    from chainrule.report.data import ReportData
    from chainrule.study import StudyResult

__all__ = ["curve_grid", "draw_curve_grid"]

Grid: TypeAlias = NDArray[Any]
MAX_COLUMNS = 4
DASHED = (4, 1.6)


def curve_grid(
    result: StudyResult | ReportData,
    arms: str = "*",
    *,
    figure: FigureBase | None = None,
    ax: Axes | None = None,
) -> Drawn[Grid]:
    """For each arm that matches, its loss above and its metric below, mean ± std over rounds.

    The axes of one kind share their scale. The array of axes has the shape (arms, kinds). Raises
    ValueError where no arm matches, or none has curves.
    """
    data = curve_grid_data(result, arms)
    rows = -(-len(data.panels) // _count_columns(data))
    height = 0.9 + 1.45 * len(data.kinds) * rows
    return draw_panels(draw_curve_grid, data, (WIDTH, height), figure, ax)


def draw_curve_grid(data: CurveGridData, figure: FigureBase) -> Grid:
    """The panels in an empty figure; returns their axes, shape (arms, kinds)."""
    grid = _add_axes(data, figure)
    for panels, column in zip(data.panels, grid, strict=True):
        column[0].set_title(escape_math(panels[0].arm), fontsize=9)
        for panel, unit, axes in zip(panels, data.units, column, strict=True):
            _draw_panel(panel, axes)
            format_ticks(axes, unit)
    for kind, row in enumerate(grid.T):
        scale = data.choose_scale(kind)
        if scale.is_log:
            row[0].set_yscale("log")
        if scale.ceiling is not None:
            row[0].set_ylim(scale.find_limits(data.list_curves(kind)))
    _label_axes(data, grid)
    if any(len(panel.curves) > 1 for panels in data.panels for panel in panels):
        figure.legend(
            handles=_legend_lines(),
            loc="outside lower center",
            ncols=2,
            title="; ".join(filter(None, ["mean ± std over rounds", data.ceiling_note])),
            frameon=False,
        )
    return grid


def _count_columns(data: CurveGridData) -> int:
    return min(len(data.panels), MAX_COLUMNS)


def _add_axes(data: CurveGridData, figure: FigureBase) -> Grid:
    arms, kinds, columns = len(data.panels), len(data.kinds), _count_columns(data)
    places = figure.add_gridspec(-(-arms // columns) * kinds, columns)
    grid = np.empty((arms, kinds), dtype=object)
    for i in range(arms):
        for kind in range(kinds):
            place = places[i // columns * kinds + kind, i % columns]
            axes = figure.add_subplot(place, sharex=grid[0, 0], sharey=grid[0, kind])
            axes.tick_params(labelsize=8, labelleft=i % columns == 0)
            axes.tick_params(labelbottom=kind == kinds - 1 and i + columns >= arms)
            grid[i, kind] = axes
            style_axes(axes)
    return grid


def _side_style(side: str) -> LineStyle:
    """Training is dashed."""
    i = SIDES.index(side)
    return line_style(i)._replace(dashes=() if i else DASHED)


def _draw_panel(panel: CurvePanel, axes: Axes) -> None:
    for curve in panel.curves:
        draw_curve(curve, axes, _side_style(curve.name))
    set_epoch_ticks(axes)


def _label_axes(data: CurveGridData, grid: Grid) -> None:
    """The names of the axes, at the left and at the bottom of the figure."""
    columns = _count_columns(data)
    for i, column in enumerate(grid):
        if i % columns == 0:
            for kind, axes in zip(data.kinds, column, strict=True):
                axes.set_ylabel(escape_math(kind), fontsize=9)
        if i + columns >= len(grid):
            column[-1].set_xlabel("epoch", fontsize=9)


def _legend_lines() -> list[Line2D]:
    styles = {side: _side_style(side) for side in SIDES}
    return [Line2D([], [], color=s.color, ls=s.linestyle, label=side) for side, s in styles.items()]
