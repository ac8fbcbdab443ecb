"""Box plots by arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from chainrule.report.figure_data.boxes import BoxesData, boxes_data
from chainrule.report.figures.drawn import Drawn
from chainrule.report.figures.style import (
    add_legend_below,
    escape_math,
    format_ticks,
    new_figure,
)
from chainrule.report.line_styles import line_style

if TYPE_CHECKING:
    from chainrule.report.data import ReportData
    from chainrule.study import StudyResult

__all__ = ["boxes", "draw_boxes"]


def boxes(
    result: StudyResult | ReportData, metric: str | None = None, *, ax: Axes | None = None
) -> Drawn[Axes]:
    """A box an arm with its rounds as points, and a diamond at the reported mean.

    ``metric`` is by default the study's, in which a diverged round counts as the declared failure
    value; ``"seconds"`` is the amortised time of a round; else one of the rows' metrics, without
    the rounds that diverged. Diverged rounds are crosses. Raises ValueError where there is no
    value to show.
    """
    data = boxes_data(result, metric)
    drawn = new_figure(1.2 + 0.36 * len(data.boxes), ax=ax)
    draw_boxes(data, drawn.axes)
    return drawn


def draw_boxes(data: BoxesData, axes: Axes) -> None:
    """The arms from top to bottom; the legend stands below the axes."""
    axes.boxplot(
        [[found.value for found in box.rounds] for box in data.boxes],
        orientation="horizontal",
        widths=0.6,
        showfliers=False,
        medianprops={"color": line_style(1).color, "linewidth": 2},
    )
    if data.limits is not None:
        axes.set_xlim(*data.limits)
    _draw_rounds(data, axes, diverged=False)
    _draw_rounds(data, axes, diverged=True)
    _draw_reported(data, axes)
    format_ticks(axes, data.unit, x=True)
    axes.set_xlabel(escape_math(data.label))
    names = [escape_math(box.arm) for box in data.boxes]
    axes.set_yticks(range(1, len(names) + 1), names)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    add_legend_below(axes, ncols=3)


def _draw_rounds(data: BoxesData, axes: Axes, *, diverged: bool) -> None:
    """The rounds beside the middle of their box, each at a height of its own."""
    x: list[float] = []
    y: list[float] = []
    for place, box in enumerate(data.boxes, start=1):
        n = len(box.rounds)
        heights = place + 0.2 * np.linspace(-1, 1, n) * (n > 1)
        for found, height in zip(box.rounds, heights.tolist(), strict=True):
            if found.diverged == diverged:
                x.append(found.position)
                y.append(height)
    if x:
        axes.scatter(
            x,
            y,
            s=36 if diverged else 11,
            marker="x" if diverged else "o",
            color=line_style(1 if diverged else 0).color,
            alpha=0.6,
            label="diverged round" if diverged else "round",
            zorder=3,
        )


def _draw_reported(data: BoxesData, axes: Axes) -> None:
    marks = [(box.reported, y) for y, box in enumerate(data.boxes, 1) if box.reported is not None]
    if marks:
        x, y = zip(*marks, strict=True)
        color = line_style(2).color
        axes.scatter(x, y, s=44, marker="D", color=color, label="reported mean", zorder=4)
