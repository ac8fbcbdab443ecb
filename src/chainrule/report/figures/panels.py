"""A panel an arm: its loss and its metric, in training and on the test set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from chainrule.report.figures.canvas import (
    WIDTH,
    line_style,
    literal,
    plain_axes,
    scaled,
    spanned,
    whole,
)
from chainrule.report.figures.curves import arms_matching, curve_names, mean_std_band, of
from chainrule.report.numbers import unit_named

if TYPE_CHECKING:
    from chainrule.study.results.arm_result import ArmResult
    from chainrule.study.results.study_result import StudyResult

__all__ = ["curve_grid"]

Grid = NDArray[Any]
SIDES = ("train", "test")
ACROSS = 4


def curve_grid(result: StudyResult, arms: str = "*") -> tuple[Figure, Grid]:
    """For each arm that matches, its loss above and its metric below, mean ± std over rounds.

    The axes of one kind share their scale. The array of axes has the shape (arms, kinds). Raises
    ValueError where no arm matches, or none has curves.
    """
    chosen = arms_matching(result, arms)
    known = curve_names(chosen)
    kinds = [
        kind
        for kind in dict.fromkeys(("loss", result.study.metric_name))
        if any(f"{side}_{kind}" in known for side in SIDES)
    ]
    if not kinds:
        raise ValueError(f"study {result.study.name}: no curves of loss or metric were kept")
    figure, grid = _empty(len(chosen), len(kinds))
    for arm, column in zip(chosen, grid, strict=True):
        column[0].set_title(literal(arm.arm), fontsize=9)
        for kind, axes in zip(kinds, column, strict=True):
            lines = _panel(axes, arm, kind)
            scaled(axes, unit_named(kind, result.study))
    for kind, row in zip(kinds, grid.T, strict=True):
        if kind == "loss":
            spanned(row)
    _name(grid, kinds)
    if len(lines) > 1:
        figure.legend(
            handles=_legend(),
            loc="outside lower center",
            ncols=2,
            title="mean ± std over rounds",
            frameon=False,
        )
    return figure, grid


def _empty(arms: int, kinds: int) -> tuple[Figure, Grid]:
    across = min(arms, ACROSS)
    down = -(-arms // across)
    figure = Figure(figsize=(WIDTH, 0.9 + 1.45 * kinds * down), layout="constrained")
    places = figure.add_gridspec(down * kinds, across)
    grid = np.empty((arms, kinds), dtype=object)
    for i in range(arms):
        for kind in range(kinds):
            place = places[i // across * kinds + kind, i % across]
            axes = figure.add_subplot(place, sharex=grid[0, 0], sharey=grid[0, kind])
            axes.tick_params(labelsize=8, labelleft=i % across == 0)
            axes.tick_params(labelbottom=kind == kinds - 1 and i + across >= arms)
            grid[i, kind] = axes
            plain_axes(axes)
    return figure, grid


def _panel(axes: Axes, arm: ArmResult, kind: str) -> list[Line2D]:
    lines = []
    for i, side in enumerate(SIDES):
        values = of(arm, f"{side}_{kind}")
        if values.shape[1]:
            lines.append(
                mean_std_band(axes, values, side, line_style(i)._replace(dash="-" if i else "--"))
            )
    whole(axes)
    return lines


def _name(grid: Grid, kinds: Sequence[str]) -> None:
    """The names of the axes, at the left and at the bottom of the figure."""
    across = min(len(grid), ACROSS)
    for i, column in enumerate(grid):
        if i % across == 0:
            for kind, axes in zip(kinds, column, strict=True):
                axes.set_ylabel(literal(kind), fontsize=9)
        if i + across >= len(grid):
            column[-1].set_xlabel("epoch", fontsize=9)


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color=line_style(i).color, ls="-" if i else "--", label=side)
        for i, side in enumerate(SIDES)
    ]
