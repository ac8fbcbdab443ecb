"""Validation: against the test, and as a search goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from chainrule.report.figure_data.search.validation import (
    ExpectedValidationData,
    ValidationData,
    expected_validation_data,
    validation_against_test_data,
)
from chainrule.report.figures.curves import draw_curve
from chainrule.report.figures.drawn import Drawn
from chainrule.report.figures.style import (
    add_legend,
    add_legend_below,
    escape_math,
    format_ticks,
    new_figure,
    set_epoch_ticks,
)
from chainrule.report.line_styles import line_style

if TYPE_CHECKING:
    from chainrule.report.data import ReportData
    from chainrule.study import StudyResult

__all__ = [
    "draw_expected_validation",
    "draw_validation_against_test",
    "expected_validation",
    "validation_against_test",
]


def validation_against_test(
    result: StudyResult | ReportData, *, ax: Axes | None = None
) -> Drawn[Axes]:
    """A mark an arm: the chosen candidates' mean validation metric (x), the mean on test data (y).

    Bars are ± one standard deviation over the rounds. Raises ValueError without a search.
    """
    data = validation_against_test_data(result)
    drawn = new_figure(4.8, ax=ax)
    draw_validation_against_test(data, drawn.axes)
    return drawn


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
    add_legend_below(axes, ncols=3, fontsize=9)


def expected_validation(result: StudyResult | ReportData, *, ax: Axes | None = None) -> Drawn[Axes]:
    """A line an arm: what the best of n random candidates is expected to validate at, by n.

    In a band of ± one standard deviation of that best. (Dodge et al. 2019.) Raises ValueError
    unless the search draws its candidates at random.
    """
    data = expected_validation_data(result)
    drawn = new_figure(3.8, ax=ax)
    draw_expected_validation(data, drawn.axes)
    return drawn


def draw_expected_validation(data: ExpectedValidationData, axes: Axes) -> None:
    """The curves in their bands, and the legend."""
    lines = [draw_curve(curve, axes, line_style(i)) for i, curve in enumerate(data.curves)]
    axes.set(xlabel="candidates", ylabel=f"best validation {escape_math(data.metric)}")
    format_ticks(axes, data.unit)
    set_epoch_ticks(axes)
    add_legend(axes, lines, "expected ± std")
