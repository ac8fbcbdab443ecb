"""What a search found: validation over the paths that were searched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import FigureBase
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from chainrule.report.figure_data.search.search_maps import (
    SearchLine,
    SearchMap,
    SearchMapsData,
    search_maps_data,
)
from chainrule.report.figures.drawn import Drawn
from chainrule.report.figures.style import (
    WIDTH,
    draw_panels,
    escape_math,
    format_ticks,
    style_axes,
)
from chainrule.report.line_styles import line_style
from chainrule.report.numbers import Unit, format_value

if TYPE_CHECKING:
    from chainrule.report.data import ReportData
    from chainrule.study import StudyResult

__all__ = ["draw_search_maps", "search_maps"]

MAX_NUMBERS = 8
"""With more cells than this in a row, no cell has its number."""


def search_maps(
    result: StudyResult | ReportData,
    arm: str,
    *,
    figure: FigureBase | None = None,
    ax: Axes | None = None,
) -> Drawn[list[Axes]]:
    """The mean validation metric of an arm's candidates over pairs of paths; the chosen framed.

    With more than two paths there is a map for each pair of the three that matter most (whose
    best values vary most), and a cell is the best over the other paths. One path is a line. A
    search that drew its values (random, tpe, gp) gives points over each path. Raises ValueError
    where nothing was searched.
    """
    data = search_maps_data(result, arm)
    return draw_panels(draw_search_maps, data, _figure_size(data), figure, ax)


def _figure_size(data: SearchMapsData) -> tuple[float, float]:
    if data.maps:
        return max(4.6, WIDTH / 3 * len(data.maps)), 3.4
    return (5.4 if len(data.lines) == 1 else WIDTH), 3.2


def draw_search_maps(data: SearchMapsData, figure: FigureBase) -> list[Axes]:
    """The maps, or the lines, in an empty figure; returns their axes."""
    return _draw_maps(data, figure) if data.maps else _draw_lines(data, figure)


def _draw_maps(data: SearchMapsData, figure: FigureBase) -> list[Axes]:
    n = len(data.maps)
    panels = [figure.add_subplot(1, n, i + 1) for i in range(n)]
    for search_map, axes in zip(data.maps, panels, strict=True):
        mesh = _draw_map(search_map, axes, data)
    bar = figure.colorbar(mesh, ax=panels)
    bar.set_label(f"validation {data.metric}", fontsize=9)
    bar.outline.set_visible(False)
    if data.n_paths > 2:
        figure.supxlabel("each cell: the best over the paths not shown; framed: chosen", fontsize=8)
    else:
        figure.supxlabel("framed: chosen", fontsize=8)
    format_ticks(bar.ax, data.unit)
    return panels


def _draw_map(search_map: SearchMap, axes: Axes, data: SearchMapsData) -> QuadMesh:
    means, (low, high) = np.array(search_map.means), data.limits
    mesh = axes.pcolormesh(means, cmap="cividis", vmin=low, vmax=high, edgecolors="none")
    _write_numbers(axes, means, data)
    frame: dict[str, Any] = {"fill": False, "ec": line_style(1).color, "lw": 3, "clip_on": False}
    for row, column in search_map.chosen:
        axes.add_patch(Rectangle((column, row), 1, 1, **frame))
    x_names = [escape_math(format_value(x)) for x in search_map.x_values]
    y_names = [escape_math(format_value(y)) for y in search_map.y_values]
    axes.set_xticks(np.arange(len(x_names)) + 0.5, x_names, fontsize=8)
    axes.set_yticks(np.arange(len(y_names)) + 0.5, y_names, fontsize=8)
    axes.set_xlabel(escape_math(search_map.x_path), fontsize=9)
    axes.set_ylabel(escape_math(search_map.y_path), fontsize=9)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return mesh


def _write_numbers(axes: Axes, means: NDArray[Any], data: SearchMapsData) -> None:
    """Each cell's mean in it, where there is room."""
    if means.shape[1] > MAX_NUMBERS:
        return
    middle = sum(data.limits) / 2
    unit = data.unit if data.unit.scale == 1.0 else Unit(data.unit.scale, 1)
    for (i, j), mean in np.ndenumerate(means):
        # Not quite black: black follows the page, and would be white on a yellow cell.
        ink = "#010101" if mean > middle else "#fefefe"
        text = unit.number(float(mean))
        axes.text(j + 0.5, i + 0.5, text, ha="center", va="center", color=ink, fontsize=7)


def _draw_lines(data: SearchMapsData, figure: FigureBase) -> list[Axes]:
    panels = list(figure.subplots(1, len(data.lines), sharey=True, squeeze=False)[0])
    for axes, line in zip(panels, data.lines, strict=True):
        style_axes(axes)
        _draw_line(line, axes, joined=data.n_paths == 1)
        axes.set_xlabel(escape_math(line.path))
    panels[0].set_ylabel(f"validation {escape_math(data.metric)}")
    format_ticks(panels[0], data.unit)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, frameon=False)
    return panels


def _draw_line(line: SearchLine, axes: Axes, *, joined: bool) -> None:
    """Points over a path, joined where there is no other; the chosen larger."""
    x, y = [point.position for point in line.points], [point.mean for point in line.points]
    color, dash = line_style(0).color, "-o" if joined else "o"
    axes.plot(x, y, dash, ms=4, color=color, alpha=0.8, label="candidate")
    chosen = [point for point in line.points if point.chosen]
    axes.plot(
        [point.position for point in chosen],
        [point.mean for point in chosen],
        "D",
        ms=8,
        color=line_style(1).color,
        label="chosen",
    )
    if not line.is_numeric:
        axes.set_xticks(
            range(len(line.values)), [escape_math(format_value(v)) for v in line.values]
        )
    elif min(x) > 0 and max(x) / min(x) > 30:
        axes.set_xscale("log")
    elif len(line.values) <= 6:
        axes.set_xticks([float(v) for v in line.values])
