"""What a search found: validation over the paths that were searched."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, final

from chainrule.report.data import CandidateSummary, ReportData, varied_paths
from chainrule.report.figure_data.base import FigureData
from chainrule.report.numbers import Unit

if TYPE_CHECKING:
    from chainrule.study import StudyResult
    from chainrule.study.store.record import Value

__all__ = [
    "SearchLine",
    "SearchMap",
    "SearchMapsData",
    "SearchPoint",
    "are_numbers",
    "path_values",
    "search_maps_data",
]

MAX_GRID_VALUES = 20
"""More values of a path than this are points, not rows of a map."""

MAX_PATHS = 3


@final
@dataclass(frozen=True)
class SearchMap:
    """Two paths: the mean of each cell (y values, x values), nan for what was not tried.

    A cell is the best over the other paths; ``chosen`` has the (row, column) of those chosen.
    """

    x_path: str
    y_path: str
    x_values: Sequence[Value]
    y_values: Sequence[Value]
    means: Sequence[Sequence[float]]
    chosen: Sequence[tuple[int, int]]


@final
@dataclass(frozen=True)
class SearchPoint:
    """A candidate: where it stands on its path's axis, and its mean."""

    position: float
    mean: float
    chosen: bool


@final
@dataclass(frozen=True)
class SearchLine:
    """One path: its candidates by position, a number's own, or else the place among the values."""

    path: str
    values: Sequence[Value]
    is_numeric: bool
    points: Sequence[SearchPoint]


@final
@dataclass(frozen=True)
class SearchMapsData(FigureData):
    """An arm's search, as maps of pairs of paths or else a line a path.

    ``n_paths`` were searched; ``limits`` are the least and the largest mean.
    """

    metric: str
    unit: Unit
    n_paths: int
    limits: tuple[float, float]
    maps: Sequence[SearchMap]
    lines: Sequence[SearchLine]


def search_maps_data(result: StudyResult | ReportData, arm: str) -> SearchMapsData:
    """An arm's search. Raises ValueError where nothing was searched."""
    data = ReportData.wrap(result)
    candidates = data.candidates.get(arm, ())
    paths = varied_paths(candidates)
    if not paths:
        raise ValueError(f"arm {arm}: no search was made, or only one setting was tried")
    maps: list[SearchMap] = []
    lines: list[SearchLine] = []
    if len(paths) > 1 and _is_grid(candidates, paths):
        ranked = _rank_paths(data, candidates, paths)[:MAX_PATHS]
        pairs = combinations(sorted(ranked, key=paths.index), 2)
        maps = [_build_map(data, candidates, x, y) for y, x in pairs]
    else:
        lines = [_build_line(candidates, path) for path in paths[:MAX_PATHS]]
    means = [found.mean for found in candidates if math.isfinite(found.mean)]
    limits = (min(means, default=0.0), max(means, default=1.0))
    return SearchMapsData(data.study.metric_name, data.unit, len(paths), limits, maps, lines)


def _is_grid(candidates: Sequence[CandidateSummary], paths: Sequence[str]) -> bool:
    """Whether every path has few values, and most of their pairs were tried."""
    counts = [len(path_values(candidates, path)) for path in paths]
    cells = min(a * b for a, b in combinations(counts, 2))
    return max(counts) <= MAX_GRID_VALUES and len(candidates) >= 0.5 * cells


def path_values(candidates: Sequence[CandidateSummary], path: str) -> list[Value]:
    """The values of a path: numbers in order, others as they came."""
    found = [x for c in candidates if (x := c.setting.get(path)) is not None]
    values = list({repr(x): x for x in found}.values())
    return sorted(values, key=float) if are_numbers(values) else values


def are_numbers(values: Sequence[Value]) -> bool:
    """Whether each is a number; True and False are none."""
    return all(isinstance(x, int | float) and not isinstance(x, bool) for x in values)


def _rank_paths(
    data: ReportData, candidates: Sequence[CandidateSummary], paths: Sequence[str]
) -> list[str]:
    """The paths, first the one whose best validation varies most from value to value."""

    def spread(path: str) -> float:
        values = path_values(candidates, path)
        best = [_best_mean(data, candidates, {path: x}) for x in values]
        return max(best) - min(best)

    return sorted(paths, key=spread, reverse=True)


def _best_mean(
    data: ReportData, candidates: Sequence[CandidateSummary], setting: Mapping[str, Value]
) -> float:
    """The best mean of the candidates that have these values; nan for none."""
    means = [
        found.mean
        for found in candidates
        if all(found.setting.get(path) == x for path, x in setting.items())
    ]
    best = max if data.higher_is_better else min
    return best(means, default=math.nan)


def _build_map(
    data: ReportData, candidates: Sequence[CandidateSummary], x_path: str, y_path: str
) -> SearchMap:
    x_values, y_values = (path_values(candidates, path) for path in (x_path, y_path))
    means = [
        [_best_mean(data, candidates, {x_path: x, y_path: y}) for x in x_values] for y in y_values
    ]
    chosen = [
        (i, j)
        for i, y in enumerate(y_values)
        for j, x in enumerate(x_values)
        if any(
            c.chosen and (c.setting.get(x_path), c.setting.get(y_path)) == (x, y)
            for c in candidates
        )
    ]
    return SearchMap(x_path, y_path, x_values, y_values, means, chosen)


def _build_line(candidates: Sequence[CandidateSummary], path: str) -> SearchLine:
    values = path_values(candidates, path)
    numeric = are_numbers(values)
    points = [
        SearchPoint(float(x) if numeric else float(values.index(x)), found.mean, found.chosen > 0)
        for found in candidates
        if (x := found.setting.get(path)) is not None
    ]
    return SearchLine(path, values, numeric, sorted(points, key=lambda point: point.position))
