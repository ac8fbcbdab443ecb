"""Validation against test: does what selects also judge?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from chainrule.report.figures.canvas import line_style, literal, new_figure, scaled
from chainrule.report.numbers import unit_of
from chainrule.report.tables.candidate_summary import chosen_values

if TYPE_CHECKING:
    from chainrule.study.results.study_result import StudyResult

__all__ = ["validation_against_test"]


def validation_against_test(result: StudyResult) -> tuple[Figure, Axes]:
    """A mark an arm: the chosen candidates' mean validation metric (x), the mean on test data (y).

    Bars are ± one standard deviation over the rounds. Raises ValueError without a search.
    """
    rows = [row for row in chosen_values(result) if math.isfinite(row["test"])]
    if not rows:
        raise ValueError(f"study {result.study.name}: no search that gave finite values")
    figure, axes = new_figure(4.6 + 0.17 * -(-len(rows) // 3))
    for i, row in enumerate(rows):
        style = line_style(i)
        axes.errorbar(
            row["validation"],
            row["test"],
            yerr=row["test_std"],
            fmt=style.marker,
            color=style.color,
            elinewidth=0.8,
            label=literal(row["arm"]),
        )
    metric, unit = literal(result.study.metric_name), unit_of(result)
    middle = rows[0]["validation"]
    axes.axline((middle, middle), slope=1, color="#808080", ls="--", lw=1)
    axes.set(xlabel=f"validation {metric} of the chosen", ylabel=f"test {metric}, ± std")
    for x in (True, False):
        scaled(axes, unit, x=x)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return figure, axes
