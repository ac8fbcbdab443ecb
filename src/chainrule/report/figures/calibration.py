"""Do predicted intervals hold what they claim? Coverage against the level that was claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from chainrule.report.figure_data.calibration import (
    CalibrationData,
    CalibrationLine,
    calibration_data,
)
from chainrule.report.figures.drawn import Drawn
from chainrule.report.figures.style import FEW_LINES, WIDTH, add_legend, escape_math, new_figure
from chainrule.report.line_styles import LineStyle, line_style

if TYPE_CHECKING:
    from chainrule.report.data import ReportData
    from chainrule.study import StudyResult

__all__ = ["calibration", "draw_calibration"]


def calibration(
    result: StudyResult | ReportData, arms: str = "*", *, ax: Axes | None = None
) -> Drawn[Axes]:
    """The share of test targets within the predicted intervals, against the intervals' level.

    A line an arm that predicts intervals, the mean over its rounds ± one std. On the diagonal an
    arm is calibrated; below it is too sure of itself, above too careful. Raises ValueError where
    the study counts no ``Coverage``, or no arm that matches predicts an interval.
    """
    data = calibration_data(result, arms)
    drawn = new_figure(4.6, 5.4 if len(data.lines) < FEW_LINES else WIDTH, ax=ax)
    draw_calibration(data, drawn.axes)
    return drawn


def draw_calibration(data: CalibrationData, axes: Axes) -> None:
    """A line an arm, and the diagonal."""
    (diagonal,) = axes.plot([0, 1], [0, 1], color="#808080", ls="--", lw=1, label="calibrated")
    lines = [_draw_line(axes, line, line_style(i)) for i, line in enumerate(data.lines)]
    axes.set(xlabel="level of the predicted interval", ylabel="test targets within it", aspect=1)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0))
    add_legend(axes, [diagonal, *lines], "mean ± std over rounds")


def _draw_line(axes: Axes, line: CalibrationLine, style: LineStyle) -> Line2D:
    drawn = axes.errorbar(
        line.levels,
        line.means,
        yerr=line.stds,
        color=style.color,
        ls=style.linestyle,
        marker=style.marker,
        capsize=3,
        lw=1.5,
    )
    means = drawn.lines[0]
    means.set_label(escape_math(line.arm))
    return means
