"""What mattered in a search: the importance of each searched path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from chainrule.report.figure_data.search.importance import ImportancesData, importances_data
from chainrule.report.figures.drawn import Drawn
from chainrule.report.figures.style import add_legend, escape_math, new_figure
from chainrule.report.line_styles import line_style

if TYPE_CHECKING:
    from chainrule.report.data import ReportData
    from chainrule.study import StudyResult

__all__ = ["draw_importances", "importances"]


def importances(result: StudyResult | ReportData, *, ax: Axes | None = None) -> Drawn[Axes]:
    """A line a searched path, a mark an arm: how much of what makes a candidate good is the path's.

    PED-ANOVA; the paths of an arm sum to 1. Raises ValueError where no arm searched two paths.
    """
    data = importances_data(result)
    drawn = new_figure(1.8 + 0.4 * len(data.paths), ax=ax)
    draw_importances(data, drawn.axes)
    return drawn


def draw_importances(data: ImportancesData, axes: Axes) -> None:
    """The marks of each arm, from the most important path at the top."""
    marks = []
    for i, (arm, shares) in enumerate(data.shares.items()):
        style = line_style(i)
        rows = [y for y, path in enumerate(data.paths) if path in shares]
        values = [shares[data.paths[y]] for y in rows]
        marks += axes.plot(
            values, rows, style.marker, color=style.color, alpha=0.8, label=escape_math(arm)
        )
    axes.set_yticks(range(len(data.paths)), [escape_math(path) for path in data.paths])
    axes.set_ylim(len(data.paths) - 0.5, -0.5)
    axes.set(xlim=(-0.02, 1.02), xlabel="importance (PED-ANOVA), sum of an arm 1")
    add_legend(axes, marks)
