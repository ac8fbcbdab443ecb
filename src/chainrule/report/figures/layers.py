"""A net layer by layer: the figure of one batch's values and gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from chainrule.report.figures.canvas import WIDTH, LineStyle, line_style, literal, plain_axes
from chainrule.report.tables.layers import Rows, first_of
from chainrule.train.layer_stats import LayerRow

__all__ = ["layers"]

PANELS: Mapping[str, Callable[[LayerRow], float | None]] = {
    "std of the outputs of layers without W": lambda row: row.std if row.dw is None else None,
    "dead units of ReLU, or flat outputs": lambda row: row.flat if row.dead is None else row.dead,
    "‖dL/dy‖ (an open mark: 0)": lambda row: row.dy,
    "‖dL/dW‖ (an open mark: 0)": lambda row: row.dw,
}


def layers(rows: Rows) -> tuple[Figure, NDArray[Any]]:
    """A line a label over the layers: the spread of outputs, dead or flat units, gradient norms.

    Norms have a log scale; one that is 0 is an open mark on the lower edge. Returns the figure
    and its axes, shape (2, 2). Raises ValueError as :func:`layers_sheet`.
    """
    names = [f"{row.path} {row.layer}".strip() for row in first_of(rows)]
    figure = Figure(figsize=(WIDTH, 6.2), layout="constrained")
    grid: NDArray[Any] = figure.subplots(2, 2, sharex=True)
    for i, ((title, number), axes) in enumerate(zip(PANELS.items(), grid.flat, strict=True)):
        plain_axes(axes)
        axes.set_title(title, fontsize=10)
        for j, found in enumerate(rows.values()):
            values = np.array([_or_nan(number(row)) for row in found])
            _line(axes, values, line_style(j), log=i > 1)
        _scale(axes, share=i == 1, log=i > 1)
    for axes in grid[-1]:
        axes.set_xticks(range(len(names)), [literal(name) for name in names])
        axes.tick_params(axis="x", rotation=90, labelsize=7 if len(names) > 16 else 8)
    lines = [
        Line2D(
            [],
            [],
            color=line_style(j).color,
            marker=line_style(j).marker,
            ls=line_style(j).dash,
            label=label,
        )
        for j, label in enumerate(rows)
    ]
    if len(lines) > 1:
        figure.legend(handles=lines, loc="outside lower center", ncols=4, frameon=False)
    return figure, grid


def _or_nan(x: float | None) -> float:
    return math.nan if x is None else x


def _line(axes: Axes, values: NDArray[Any], style: LineStyle, *, log: bool) -> None:
    """The known values, joined; on a log scale zeros as open marks on the lower edge."""
    at = np.arange(len(values))
    zero = (values == 0) & log
    known = np.isfinite(values) & ~zero
    axes.plot(
        *(at[known], values[known]),
        color=style.color,
        ls=style.dash,
        marker=style.marker,
        ms=4,
    )
    if zero.any():
        axes.plot(
            *(at[zero], np.zeros(zero.sum())),
            color=style.color,
            ls="",
            marker=style.marker,
            mfc="none",
            transform=axes.get_xaxis_transform(),
            clip_on=False,
            in_layout=False,
        )


def _scale(axes: Axes, *, share: bool, log: bool) -> None:
    if log:
        axes.set_yscale("log")
    else:
        axes.set_ylim(0, 1.04 if share else None)
    if share:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
