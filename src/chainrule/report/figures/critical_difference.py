"""Critical differences: arms by mean rank over several data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from chainrule.report.figure_data.critical_difference import (
    CriticalDifferencesData,
    critical_differences_data,
)
from chainrule.report.figures.drawn import Drawn
from chainrule.report.figures.style import escape_math, new_figure
from chainrule.report.line_styles import line_style

if TYPE_CHECKING:
    from chainrule.statistics import Ranking

__all__ = ["critical_differences", "draw_critical_differences"]

BAR_STEP, ARM_STEP = 0.5, 0.9
"""From one bar, and one name, to the next; a rank is 1 wide."""


def critical_differences(ranking: Ranking, *, ax: Axes | None = None) -> Drawn[Axes]:
    """The arms on a line of mean ranks, 1 at the left; a bar joins arms that cannot be told apart.

    ``ranking`` is :func:`chainrule.statistics.rank_arms` of one score an arm and data set.
    (Demšar 2006.)
    """
    data = critical_differences_data(ranking)
    drawn = new_figure(1.1 + 0.3 * sum(_heights(data)), ax=ax)
    draw_critical_differences(data, drawn.axes)
    if data.note:
        drawn.figure.supxlabel(data.note, fontsize=8, wrap=True)
    return drawn


def _heights(data: CriticalDifferencesData) -> tuple[float, float]:
    """Of the bars, and of the names below them."""
    return BAR_STEP * len(data.bars), ARM_STEP * -(-len(data.arms) // 2)


def draw_critical_differences(data: CriticalDifferencesData, axes: Axes) -> None:
    """The diagram alone: ``data.note`` is to be said beside it."""
    arms, (bars, names) = len(data.arms), _heights(data)
    axes.set(xlim=(1 - 0.45 * arms, arms + 0.45 * arms), ylim=(bars + names + ARM_STEP / 2, -1.4))
    axes.axis("off")
    _draw_scale(data, axes)
    for i, (start, end) in enumerate(data.bars):
        height = BAR_STEP * (i + 1)
        axes.plot([start - 0.05, end + 0.05], [height] * 2, color=line_style(1).color, lw=4)
    for i in range(arms):
        _draw_arm(data, axes, i)


def _draw_scale(data: CriticalDifferencesData, axes: Axes) -> None:
    arms, p = len(data.arms), data.p
    axes.plot([1, arms], [0, 0], color="black", lw=1)
    for tick in range(1, arms + 1):
        axes.plot([tick] * 2, [0, -0.15], color="black", lw=1)
        axes.text(tick, -0.3, str(tick), ha="center", fontsize=9)
    p_text = f"p {'< 0.001' if p < 0.001 else f'= {p:.3f}'}"
    title = f"mean rank over {data.n} data sets (1 is best); Friedman, Iman-Davenport: {p_text}"
    axes.text((1 + arms) / 2, -1.1, title, ha="center", fontsize=9)


def _draw_arm(data: CriticalDifferencesData, axes: Axes, i: int) -> None:
    """The better half has its names at the left, the best on top; the others at the right."""
    arms, name, rank = len(data.arms), data.arms[i], data.mean_ranks[i]
    left = i < -(-arms // 2)
    height = _heights(data)[0] + ARM_STEP * ((i if left else arms - 1 - i) + 0.7)
    side = 1 - 0.06 * arms if left else arms + 0.06 * arms
    axes.plot([rank, rank, side], [0, height, height], color="black", lw=0.8)
    text = f"{name}  {rank:.2f}" if left else f"{rank:.2f}  {name}"
    align = "right" if left else "left"
    gap = -0.02 * arms if left else 0.02 * arms
    axes.text(side + gap, height, escape_math(text), ha=align, va="center", fontsize=9)
