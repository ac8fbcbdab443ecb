"""Validation against test: does what selects also judge?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from chainrule.report.figure_data.validation import (
    ValidationData,
    validation_against_test_data,
)
from chainrule.report.figures.style import escape_math, format_ticks, line_style, new_figure

if TYPE_CHECKING:
    from chainrule.report.data import ReportData
    from chainrule.study import StudyResult

__all__ = ["draw_validation_against_test", "validation_against_test"]


def validation_against_test(result: StudyResult | ReportData) -> tuple[Figure, Axes]:
    """A mark an arm: the chosen candidates' mean validation metric (x), the mean on test data (y).

    Bars are ± one standard deviation over the rounds. Raises ValueError without a search.
    """
    data = validation_against_test_data(result)
    figure, axes = new_figure(4.6 + 0.17 * -(-len(data.marks) // 3))
    draw_validation_against_test(data, axes)
    return figure, axes


def draw_validation_against_test(data: ValidationData, axes: Axes) -> None:
    """A mark an arm, the line where both are equal, and the legend below the axes."""
    for i, mark in enumerate(data.marks):
        style = line_style(i)
        axes.errorbar(
            mark.validation,
            mark.test,
            yerr=mark.test_std,
            fmt=style.marker,
            color=style.color,
            elinewidth=0.8,
            label=escape_math(mark.arm),
        )
    metric, middle = escape_math(data.metric), data.marks[0].validation
    axes.axline((middle, middle), slope=1, color="#808080", ls="--", lw=1)
    axes.set(xlabel=f"validation {metric} of the chosen", ylabel=f"test {metric}, ± std")
    for x in (True, False):
        format_ticks(axes, data.unit, x=x)
    axes.figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)
