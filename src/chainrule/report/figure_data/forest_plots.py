"""Differences with their intervals: of arms, and of the levels of factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from chainrule.report.data import ReportData
from chainrule.report.figure_data.base import FigureData
from chainrule.report.numbers import Unit

if TYPE_CHECKING:
    from chainrule.statistics import Comparison, Comparisons, Effect, PairedTest
    from chainrule.study import StudyResult

__all__ = ["ForestLine", "ForestPlotData", "differences_data", "effect_sizes_data"]


@final
@dataclass(frozen=True)
class ForestLine:
    """A mean difference with its simultaneous interval; above 0 is better.

    ``significant``: p is at most 0.05 after Holm's correction, which the interval agrees with.
    ``plain_low`` and ``plain_high``: of the interval by itself.
    """

    name: str
    low: float
    difference: float
    high: float
    p: float
    significant: bool
    plain_low: float
    plain_high: float


@final
@dataclass(frozen=True)
class ForestPlotData(FigureData):
    """A line a difference; ``label`` is that of their axis, which shows them in ``unit``."""

    label: str
    unit: Unit
    lines: Sequence[ForestLine]


def differences_data(
    result: StudyResult | ReportData, comparisons: Comparisons | None = None
) -> ForestPlotData:
    """Each comparison. Arguments and errors as :func:`chainrule.report.differences`."""
    data = ReportData.wrap(result)
    found = data.comparisons if comparisons is None else comparisons
    pairs = found.baseline is None
    lines = [_build_line(f"{c.a} − {c.b}" if pairs else c.a, c) for c in found.comparisons]
    title = f"difference from {'b' if pairs else found.baseline}"
    label = _axis_label(title, data.unit, found.comparisons[0].test, found.family)
    return ForestPlotData(label, data.unit, lines)


def effect_sizes_data(result: StudyResult | ReportData) -> ForestPlotData:
    """Each effect of the factors. Raises ValueError where there is too little for them."""
    data = ReportData.wrap(result)
    found = data.effects
    lines = [_build_line(effect.name, effect) for effect in found.effects]
    label = _axis_label("effect", data.unit, found.effects[0].test, found.family)
    return ForestPlotData(label, data.unit, lines)


def _build_line(name: str, found: Comparison | Effect) -> ForestLine:
    test = found.test
    return ForestLine(
        name,
        found.simultaneous_low,
        test.difference,
        found.simultaneous_high,
        found.p_holm,
        found.p_holm <= 1 - test.confidence,
        test.low,
        test.high,
    )


def _axis_label(title: str, unit: Unit, test: PairedTest, family: int) -> str:
    in_unit = f",{unit.difference_suffix}" if unit.difference_suffix else ""
    kind = "" if family == 1 else f", thick by itself, thin for all {family} tests"
    return f"{title}{in_unit} with its {test.confidence:.0%} interval{kind}"
