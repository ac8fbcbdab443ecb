"""Validation: against the test, and as a search goes on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING, final

from chainrule.report.data import ReportData
from chainrule.report.figure_data.base import FigureData
from chainrule.report.figure_data.curves import Curve
from chainrule.report.numbers import Unit

if TYPE_CHECKING:
    from chainrule.study import StudyResult

__all__ = [
    "ExpectedValidationData",
    "ValidationData",
    "ValidationMark",
    "expected_validation_data",
    "validation_against_test_data",
]


@final
@dataclass(frozen=True)
class ValidationMark:
    """An arm that was searched: what selected its settings, and what they gave.

    ``validation`` is the chosen candidates' mean over ``searches``; ``test_std`` is over the
    rounds, None for a single one.
    """

    arm: str
    validation: float
    searches: int
    test: float
    test_std: float | None


@final
@dataclass(frozen=True)
class ValidationData(FigureData):
    """A mark an arm."""

    metric: str
    unit: Unit
    marks: Sequence[ValidationMark]


def validation_against_test_data(result: StudyResult | ReportData) -> ValidationData:
    """A mark an arm. Raises ValueError without a search."""
    data = ReportData.wrap(result)
    marks = []
    for arm in data.arms:
        chosen = [c.mean for c in data.result.candidates(arm.arm) if c.chosen]
        if chosen and math.isfinite(arm.mean):
            std = arm.std if arm.n > 1 else None
            marks.append(ValidationMark(arm.arm, mean(chosen), len(chosen), arm.mean, std))
    if not marks:
        raise ValueError(f"study {data.study.name}: no search that gave finite values")
    return ValidationData(data.study.metric_name, data.unit, marks)


@final
@dataclass(frozen=True)
class ExpectedValidationData(FigureData):
    """A curve an arm: what the best of 1, 2, … of its candidates is expected to validate at."""

    metric: str
    unit: Unit
    curves: Sequence[Curve]


def expected_validation_data(result: StudyResult | ReportData) -> ExpectedValidationData:
    """A curve an arm. Raises ValueError unless the search draws its candidates at random."""
    data = ReportData.wrap(result)
    curves = []
    for arm, bests in data.expected_bests.items():
        n = len(bests)
        means, stds = [best.mean for best in bests], [best.std for best in bests]
        curves.append(Curve(arm, range(1, n + 1), means, stds, n, 0))
    if not curves:
        raise ValueError(
            f"study {data.study.name}: the best of n candidates is known of a random search alone, "
            f"and search.method is {data.study.search.method!r}"
        )
    return ExpectedValidationData(data.study.metric_name, data.unit, curves)
