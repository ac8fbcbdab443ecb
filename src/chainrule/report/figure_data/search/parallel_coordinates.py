"""The candidates of a search, each as a line across one axis for every searched path."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from chainrule.report.data import CandidateSummary, ReportData, varied_paths
from chainrule.report.figure_data.base import FigureData
from chainrule.report.figure_data.search.search_maps import are_numbers, path_values
from chainrule.report.numbers import Unit, format_value

if TYPE_CHECKING:
    from chainrule.study import StudyResult
    from chainrule.study.store.record import Value

__all__ = [
    "CandidateLine",
    "ParallelAxis",
    "ParallelCoordinatesData",
    "parallel_coordinates_data",
]

MAX_LINES = 500
"""The best so many candidates are lines."""

MAX_TICKS = 6
LOG_SPAN = 20
"""An axis is logarithmic where its largest number is so many times the smallest."""


@final
@dataclass(frozen=True)
class ParallelAxis:
    """A path; ``ticks``: (where, what) each, where from 0, at the bottom, to 1."""

    title: str
    ticks: Sequence[tuple[float, str]]


@final
@dataclass(frozen=True)
class CandidateLine:
    """A candidate: where it crosses each axis, from 0 to 1, None where it has no such path.

    ``setting`` and ``mean`` in words; ``rank`` is 0 for the best.
    """

    places: Sequence[float | None]
    setting: str
    mean: str
    rank: int
    chosen: bool


@final
@dataclass(frozen=True)
class ParallelCoordinatesData(FigureData):
    """An arm's candidates; the last axis is that of the validation, larger above.

    ``hidden`` candidates are no line: they are not among the best 500, or not finite.
    """

    arm: str
    axes: Sequence[ParallelAxis]
    lines: Sequence[CandidateLine]
    hidden: int


def parallel_coordinates_data(
    result: StudyResult | ReportData, arm: str
) -> ParallelCoordinatesData:
    """An arm's search. Raises ValueError where no search has tried two settings."""
    data = ReportData.wrap(result)
    candidates = data.candidates.get(arm, ())
    paths = varied_paths(candidates)
    sign = -1 if data.higher_is_better else 1
    ranked = sorted((c for c in candidates if math.isfinite(c.mean)), key=lambda c: sign * c.mean)
    if not paths or not ranked:
        raise ValueError(f"arm {arm}: no search has tried two settings")
    shown = ranked[:MAX_LINES]
    scales = [_Scale([*path_values(candidates, path)]) for path in paths]
    means = _Scale(sorted({c.mean for c in shown}), data.unit)
    lines = [
        CandidateLine(
            [
                *map(_Scale.place, scales, [c.setting.get(path) for path in paths]),
                means.place(c.mean),
            ],
            _describe(c),
            data.unit.quantity(c.mean),
            rank,
            c.chosen > 0,
        )
        for rank, c in enumerate(shown)
    ]
    axes = [ParallelAxis(path, scale.ticks) for path, scale in zip(paths, scales, strict=True)]
    last = ParallelAxis(f"validation {data.study.metric_name}", means.ticks)
    return ParallelCoordinatesData(arm, [*axes, last], lines, len(candidates) - len(shown))


def _describe(candidate: CandidateSummary) -> str:
    return ", ".join(f"{path} {format_value(x)}" for path, x in candidate.setting.items())


@final
class _Scale:
    """From a path's values to places on its axis: numbers by size, others at even distances."""

    def __init__(self, values: Sequence[Value], unit: Unit | None = None) -> None:
        self.values, self.is_numeric = values, are_numbers(values)
        self.write = format_value if unit is None else lambda x: unit.number(float(x))
        numbers = [float(x) for x in values] if self.is_numeric else []
        self.is_log = unit is None and bool(numbers) and 0 < LOG_SPAN * numbers[0] <= numbers[-1]

    def place(self, value: Value | None) -> float | None:
        """From 0 to 1; None without a value."""
        if value is None:
            return None
        if not self.is_numeric:
            return (self.values.index(value) + 0.5) / len(self.values)
        low, high, x = (
            math.log(float(v)) if self.is_log else float(v)
            for v in (self.values[0], self.values[-1], value)
        )
        return (x - low) / (high - low) if high > low else 0.5

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """At most six of the values, at even steps among them, the first and the last too."""
        n = min(len(self.values), MAX_TICKS)
        step = (len(self.values) - 1) / max(1, n - 1)
        some = [self.values[round(i * step)] for i in range(n)]
        return [(self.place(x) or 0.0, self.write(x)) for x in some]
