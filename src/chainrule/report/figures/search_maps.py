"""What a search found: validation over the paths that were searched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from chainrule.report.figures.canvas import (
    WIDTH,
    line_style,
    literal,
    new_figure,
    plain_axes,
    scaled,
)
from chainrule.report.numbers import Unit, unit_of, value
from chainrule.report.tables.candidate_summary import CandidateSummary, paths_of, tried

if TYPE_CHECKING:
    from chainrule.study.results.study_result import StudyResult
    from chainrule.study.store.record import Value

__all__ = ["heat_maps"]

Map = NDArray[np.float64]
LARGEST = 20
"""More values of a path than this are points, not rows of a map."""


def heat_maps(result: StudyResult, arm: str) -> tuple[Figure, list[Axes]]:
    """The mean validation metric of an arm's candidates over pairs of paths; the chosen framed.

    With more than two paths there is a map for each pair of the three that matter most (whose
    best values vary most), and a cell is the best over the other paths. One path is a line. A
    search that drew its values (random, Optuna) gives points over each path. Raises ValueError
    where nothing was searched.
    """
    found = tried(result, arm)
    paths = paths_of(found)
    if not paths:
        raise ValueError(f"arm {arm}: no search was made, or only one setting was tried")
    if len(paths) > 1 and is_grid(found, paths):
        return _maps(result, found, weighty(result, found, paths)[:3])
    return _lines(result, found, paths[:3])


def is_grid(found: Sequence[CandidateSummary], paths: Sequence[str]) -> bool:
    """Whether every path has few values, and most of their pairs were tried."""
    counts = [len(values_of(found, path)) for path in paths]
    cells = min(a * b for a, b in combinations(counts, 2))
    return max(counts) <= LARGEST and len(found) >= 0.5 * cells


def values_of(found: Sequence[CandidateSummary], path: str) -> list[Value]:
    """The values of a path: numbers in order, others as they came."""
    values = list(
        {repr(x): x for one in found if (x := one.setting.get(path)) is not None}.values()
    )
    if all(isinstance(x, int | float) and not isinstance(x, bool) for x in values):
        return sorted(values, key=float)
    return values


def weighty(
    result: StudyResult, found: Sequence[CandidateSummary], paths: Sequence[str]
) -> list[str]:
    """The paths, first the one whose best validation varies most from value to value."""

    def spread(path: str) -> float:
        best = [_best(result, found, {path: x}) for x in values_of(found, path)]
        return max(best) - min(best)

    return sorted(paths, key=spread, reverse=True)


def _best(result: StudyResult, found: Sequence[CandidateSummary], at: dict[str, Value]) -> float:
    """The best mean of the candidates that have these values; nan for none."""
    means = [one.mean for one in found if all(one.setting.get(p) == x for p, x in at.items())]
    best = max if result.study.goal == "max" else min
    return best(means, default=float("nan"))


def _maps(
    result: StudyResult, found: list[CandidateSummary], paths: list[str]
) -> tuple[Figure, list[Axes]]:
    pairs = list(combinations(sorted(paths, key=paths_of(found).index), 2))
    width = max(4.6, WIDTH / 3 * len(pairs))
    figure = Figure(figsize=(width, 3.4), layout="constrained")
    panels = [figure.add_subplot(1, len(pairs), i + 1) for i in range(len(pairs))]
    means = [one.mean for one in found if math.isfinite(one.mean)]
    limits = (min(means, default=0.0), max(means, default=1.0))
    for axes, (y, x) in zip(panels, pairs, strict=True):
        mesh = _map(axes, result, found, x, y, limits)
    bar = figure.colorbar(mesh, ax=panels)
    bar.set_label(f"validation {result.study.metric_name}", fontsize=9)
    bar.outline.set_visible(False)
    others = [path for path in paths_of(found) if len(paths_of(found)) > 2 or path not in paths]
    if others:
        figure.supxlabel("each cell: the best over the paths not shown; framed: chosen", fontsize=8)
    else:
        figure.supxlabel("framed: chosen", fontsize=8)
    scaled(bar.ax, unit_of(result))
    return figure, panels


def _map(
    axes: Axes,
    result: StudyResult,
    found: Sequence[CandidateSummary],
    x: str,
    y: str,
    limits: tuple[float, float],
) -> QuadMesh:
    across, up = values_of(found, x), values_of(found, y)
    grid = np.array([[_best(result, found, {x: a, y: b}) for a in across] for b in up])
    mesh = axes.pcolormesh(grid, cmap="cividis", vmin=limits[0], vmax=limits[1], edgecolors="none")
    _numbers(axes, grid, limits, unit_of(result))
    for i, b in enumerate(up):
        for j, a in enumerate(across):
            if any(o.chosen and o.setting.get(x) == a and o.setting.get(y) == b for o in found):
                axes.add_patch(
                    Rectangle((j, i), 1, 1, fill=False, ec=line_style(1).color, lw=3, clip_on=False)
                )
    axes.set_xticks(np.arange(len(across)) + 0.5, [literal(value(a)) for a in across], fontsize=8)
    axes.set_yticks(np.arange(len(up)) + 0.5, [literal(value(b)) for b in up], fontsize=8)
    axes.set_xlabel(literal(x), fontsize=9)
    axes.set_ylabel(literal(y), fontsize=9)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return mesh


def _numbers(axes: Axes, grid: Map, limits: tuple[float, float], unit: Unit) -> None:
    """Each cell's value in it, where there is room."""
    if grid.shape[1] > 8:
        return
    middle = (limits[0] + limits[1]) / 2
    decimals = unit if unit.scale == 1.0 else Unit(unit.scale, 1)
    for (i, j), found in np.ndenumerate(grid):
        # Not quite black: black follows the page, and would be white on a yellow cell.
        ink = "#010101" if found > middle else "#fefefe"
        text = decimals.number(float(found))
        axes.text(j + 0.5, i + 0.5, text, ha="center", va="center", color=ink, fontsize=7)


def _lines(
    result: StudyResult, found: list[CandidateSummary], paths: list[str]
) -> tuple[Figure, list[Axes]]:
    if len(paths) == 1:
        figure, only = new_figure(3.2, 5.4)
        panels = [only]
    else:
        figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
        panels = list(figure.subplots(1, len(paths), sharey=True))
    for axes, path in zip(panels, paths, strict=True):
        plain_axes(axes)
        _line(axes, found, path, joined=len(paths) == 1)
        axes.set_xlabel(literal(path))
    panels[0].set_ylabel(f"validation {literal(result.study.metric_name)}")
    scaled(panels[0], unit_of(result))
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False
    )
    return figure, panels


def _line(axes: Axes, found: Sequence[CandidateSummary], path: str, *, joined: bool) -> None:
    """Points over a path, joined where there is no other; the chosen larger."""
    values = values_of(found, path)
    numeric = all(isinstance(x, int | float) and not isinstance(x, bool) for x in values)
    known = [one for one in found if one.setting.get(path) is not None]
    at = [_place(one.setting[path], values, numeric=numeric) for one in known]
    points = sorted(zip(at, known, strict=True), key=lambda pair: pair[0])
    x, y = [place for place, _ in points], [one.mean for _, one in points]
    axes.plot(
        x, y, "-o" if joined else "o", ms=4, color=line_style(0).color, alpha=0.8, label="candidate"
    )
    chosen = [(place, one.mean) for place, one in points if one.chosen]
    axes.plot(*zip(*chosen, strict=True), "D", ms=8, color=line_style(1).color, label="chosen")
    if numeric and min(at) > 0 and max(at) / min(at) > 30:
        axes.set_xscale("log")
    elif numeric and len(values) <= 6:
        axes.set_xticks([float(v) for v in values])
    if not numeric:
        axes.set_xticks(range(len(values)), [literal(value(v)) for v in values])


def _place(x: Value, values: list[Value], *, numeric: bool) -> float:
    return float(x) if numeric else float(values.index(x))
