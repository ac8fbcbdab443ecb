"""Box plots by arm."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from chainrule.report.figures.canvas import line_style, literal, new_figure, scaled
from chainrule.report.numbers import unit_named, unit_of

if TYPE_CHECKING:
    from chainrule.study.results.arm_result import ArmResult
    from chainrule.study.results.study_result import StudyResult

__all__ = ["box_rows", "boxes"]

SECONDS = "seconds"
LOST = "diverged round"

Shown = tuple[float, bool]
"""A round: its value, and whether it diverged."""


def boxes(result: StudyResult, metric: str | None = None) -> tuple[Figure, Axes]:
    """A box an arm with its rounds as points, and a diamond at the reported mean.

    ``metric`` is by default the study's, in which a diverged round counts as the declared worst
    value; ``"seconds"`` is the amortised time of a round; else one of the rows' metrics, without
    the rounds that diverged. Diverged rounds are crosses. Raises ValueError where there is no
    value to show.
    """
    name = metric or result.study.metric_name
    rows = [_shown(result, arm, name) for arm in result.arms]
    if not any(rows):
        raise ValueError(f"study {result.study.name}: no values of {name!r} to show")
    figure, axes = new_figure(1.2 + 0.36 * len(rows))
    axes.boxplot(
        [[value for value, _ in row] for row in rows],
        orientation="horizontal",
        widths=0.6,
        showfliers=False,
        medianprops={"color": line_style(1).color, "linewidth": 2},
    )
    _points(axes, _zoomed(axes, rows))
    if name == result.study.metric_name:
        _reported(axes, result)
    _finish(axes, result, name)
    return figure, axes


def _shown(result: StudyResult, arm: ArmResult, name: str) -> list[Shown]:
    """(value, whether it diverged) of each round."""
    lost = [row.status == "diverged" for row in arm.rows]
    if name == result.study.metric_name:
        values = list(arm.values)
    elif name == SECONDS:
        values = [row.seconds / row.width for row in arm.rows]
    else:
        values = [row.metrics.get(name, math.nan) for row in arm.rows]
    return [(v, gone) for v, gone in zip(values, lost, strict=True) if math.isfinite(v)]


def _zoomed(axes: Axes, rows: list[list[Shown]]) -> list[list[Shown]]:
    """Where a few rounds diverged, their crosses at the edge of the axes, which show the others.

    Few: less than a quarter of an arm, so that its box is whole; or all of it, which is no box.
    """
    kept = [v for row in rows for v, gone in row if not gone]
    lost = [(sum(gone for _, gone in row), len(row)) for row in rows]
    few = all(4 * n < of or n == of for n, of in lost)
    if not few or not kept or all(not gone for row in rows for _, gone in row):
        return rows
    margin = 0.06 * (max(kept) - min(kept)) or 0.05
    low, high = min(kept) - margin, max(kept) + margin
    axes.set_xlim(low - margin / 2, high + margin / 2)
    return [[(min(max(v, low), high), gone) for v, gone in row] for row in rows]


def _points(axes: Axes, rows: list[list[Shown]]) -> None:
    """The rounds beside the middle of their box, each at a height of its own."""
    for lost, marker, label in ((False, "o", "round"), (True, "x", LOST)):
        x, y = [], []
        for place, row in enumerate(rows, start=1):
            heights = place + 0.2 * np.linspace(-1, 1, len(row)) * (len(row) > 1)
            points = [(v, h) for (v, gone), h in zip(row, heights, strict=True) if gone == lost]
            x += [v for v, _ in points]
            y += [float(h) for _, h in points]
        if x:
            color = line_style(1 if lost else 0).color
            axes.scatter(
                x,
                y,
                s=36 if lost else 11,
                marker=marker,
                color=color,
                alpha=0.6,
                label=label,
                zorder=3,
            )


def _reported(axes: Axes, result: StudyResult) -> None:
    said = [(arm.reported.mean, y) for y, arm in enumerate(result.arms, 1) if arm.reported]
    if said:
        x, y = zip(*said, strict=True)
        color = line_style(2).color
        axes.scatter(x, y, s=44, marker="D", color=color, label="reported mean", zorder=4)


def _finish(axes: Axes, result: StudyResult, name: str) -> None:
    own = name == result.study.metric_name
    scaled(axes, unit_of(result) if own else unit_named(name, result.study), x=True)
    axes.set_xlabel("seconds, amortised" if name == SECONDS else f"test {literal(name)}")
    axes.set_yticks(range(1, len(result.arms) + 1), [literal(arm.arm) for arm in result.arms])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.figure.legend(loc="outside lower center", ncols=3, frameon=False)


def box_rows(result: StudyResult) -> list[dict[str, Any]]:
    """What :func:`boxes` shows: a row an arm and round."""
    return [
        {
            "arm": arm.arm,
            "round": row.round,
            result.study.metric_name: value if math.isfinite(value) else None,
            "status": row.status,
            "amortised_seconds": row.seconds / row.width,
        }
        for arm in result.arms
        for value, row in zip(arm.values, arm.rows, strict=True)
    ]
