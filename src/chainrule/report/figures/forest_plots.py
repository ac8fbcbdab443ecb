"""Differences with their intervals: of arms, and of the levels of factors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from chainrule.report.figure_data.forest_plots import (
    ForestPlotData,
    differences_data,
    effect_sizes_data,
)
from chainrule.report.figures.drawn import Drawn
from chainrule.report.figures.style import escape_math, new_figure
from chainrule.report.line_styles import line_style

if TYPE_CHECKING:
    from chainrule.report.data import ReportData
    from chainrule.statistics import Comparisons
    from chainrule.study import StudyResult

__all__ = ["differences", "draw_forest_plot", "effect_sizes"]


def differences(
    result: StudyResult | ReportData,
    comparisons: Comparisons | None = None,
    *,
    ax: Axes | None = None,
) -> Drawn[Axes]:
    """Each comparison's mean difference a − b and its intervals, in the metric's unit.

    ``comparisons`` are by default those that the study declares; others are those of
    ``result.compare(...)``. Raises ValueError where there is too little to compare.
    """
    return _build_figure(differences_data(result, comparisons), ax)


def effect_sizes(result: StudyResult | ReportData, *, ax: Axes | None = None) -> Drawn[Axes]:
    """Each effect of the factors and its intervals, in the metric's unit.

    Raises ValueError where there is too little for them.
    """
    return _build_figure(effect_sizes_data(result), ax)


def _build_figure(data: ForestPlotData, ax: Axes | None) -> Drawn[Axes]:
    drawn = new_figure(1.1 + 0.27 * len(data.lines), ax=ax)
    draw_forest_plot(data, drawn.axes)
    return drawn


def draw_forest_plot(data: ForestPlotData, axes: Axes) -> None:
    """A line a difference from the top: its simultaneous interval, and thick the one by itself.

    Filled marks are significant. Above 0 is better.
    """
    color = line_style(0).color
    for y, line in enumerate(data.lines):
        ends = ((line.low, line.high, 1.2), (line.plain_low, line.plain_high, 3.0))
        for low, high, width in ends:
            draw_interval(axes, y, data.unit.scale * low, data.unit.scale * high, color, width)
        middle = data.unit.scale * line.difference
        axes.plot([middle], [y], "o", color=color, mfc=color if line.significant else "white")
    axes.axvline(0, color="#808080", lw=1)
    axes.set_yticks(range(len(data.lines)), [escape_math(line.name) for line in data.lines])
    axes.set_ylim(len(data.lines) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(escape_math(data.label))


def draw_interval(axes: Axes, y: float, low: float, high: float, color: str, width: float) -> None:
    """A line from end to end, or where an end is not known from edge to edge."""
    if math.isfinite(low) and math.isfinite(high):
        axes.plot([low, high], [y, y], color=color, lw=width)
    else:
        axes.axhline(y, color=color, lw=width)
