"""Validation against test: does what selects also judge?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING, final

from chainrule.report.data import ReportData
from chainrule.report.figure_data.base import FigureData
from chainrule.report.numbers import Unit

if TYPE_CHECKING:
    from chainrule.study import StudyResult

__all__ = ["ValidationData", "ValidationMark", "validation_against_test_data"]


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
