"""A net layer by layer: the figure of one batch's values and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from chainrule.report.figure_data.nets.layers import LayerPanel, LayersData, layers_data
from chainrule.report.figures.drawn import Drawn
from chainrule.report.figures.style import WIDTH, draw_panels, escape_math, style_axes
from chainrule.report.line_styles import LineStyle, line_style
from chainrule.report.tables.layers import StatsByLabel

__all__ = ["draw_layers", "layers"]


def layers(
    stats: StatsByLabel, *, figure: FigureBase | None = None, ax: Axes | None = None
) -> Drawn[NDArray[Any]]:
    """A line a label over the layers: the spread of outputs, dead or flat units, gradient norms.

    Norms have a log scale; one that is 0 is an open mark on the lower edge. Returns the figure
    and its axes, shape (2, 2). Raises ValueError as :func:`chainrule.report.layers_table`.
    """
    data = layers_data(stats)
    return draw_panels(draw_layers, data, (WIDTH, 6.2), figure, ax)


def draw_layers(data: LayersData, figure: FigureBase) -> NDArray[Any]:
    """The four panels in an empty figure; returns their axes, shape (2, 2)."""
    grid: NDArray[Any] = figure.subplots(2, 2, sharex=True)
    for panel, axes in zip(data.panels, grid.flat, strict=True):
        _draw_panel(panel, axes)
    names = [escape_math(name) for name in data.layers]
    for axes in grid[-1]:
        axes.set_xticks(range(len(names)), names)
        axes.tick_params(axis="x", rotation=90, labelsize=7 if len(names) > 16 else 8)
    styles = {label: line_style(i) for i, label in enumerate(data.panels[0].values)}
    if len(styles) > 1:
        lines = [
            Line2D([], [], color=style.color, marker=style.marker, ls=style.linestyle, label=label)
            for label, style in styles.items()
        ]
        figure.legend(handles=lines, loc="outside lower center", ncols=4, frameon=False)
    return grid


def _draw_panel(panel: LayerPanel, axes: Axes) -> None:
    style_axes(axes)
    axes.set_title(panel.title, fontsize=10)
    for i, values in enumerate(panel.values.values()):
        _draw_line(axes, np.array(values), line_style(i), log=panel.kind == "norm")
    if panel.kind == "norm":
        axes.set_yscale("log")
    else:
        axes.set_ylim(0, 1.04 if panel.kind == "share" else None)
    if panel.kind == "share":
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def _draw_line(axes: Axes, values: NDArray[Any], style: LineStyle, *, log: bool) -> None:
    """The values that are known, joined; on a log scale zeros as open marks on the lower edge."""
    index = np.arange(len(values))
    zero = (values == 0) & log
    known = np.isfinite(values) & ~zero
    axes.plot(
        *(index[known], values[known]),
        color=style.color,
        ls=style.linestyle,
        marker=style.marker,
        ms=4,
    )
    if zero.any():
        axes.plot(
            *(index[zero], np.zeros(zero.sum())),
            color=style.color,
            ls="",
            marker=style.marker,
            mfc="none",
            transform=axes.get_xaxis_transform(),
            clip_on=False,
            in_layout=False,
        )
