"""How sure nets were of their decisions, against how often they were right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from chainrule.report.data import ReportData
from chainrule.report.figure_data.base import FigureData

if TYPE_CHECKING:
    from chainrule.study import StudyResult
    from chainrule.study.results.predictions.decisions import CalibrationBin, Decisions

__all__ = [
    "ConfusionData",
    "ReliabilityData",
    "ReliabilityLine",
    "confusion_data",
    "reliability_data",
    "select_decisions",
]


@final
@dataclass(frozen=True)
class ReliabilityLine:
    """An arm: what its nets said they would be right in, in bins, and how often they were."""

    arm: str
    bins: Sequence[CalibrationBin]
    error: float


@final
@dataclass(frozen=True)
class ReliabilityData(FigureData):
    """A line an arm whose nets say a probability."""

    lines: Sequence[ReliabilityLine]


@final
@dataclass(frozen=True)
class ConfusionData(FigureData):
    """A square an arm: how often a class (row) was taken for another (column)."""

    arms: Sequence[str]
    counts: Sequence[NDArray[np.int64]]


def select_decisions(result: StudyResult | ReportData, arms: str = "*") -> dict[str, Decisions]:
    """Arm → decisions, of the arms that match. Raises StudyError, or ValueError for none."""
    data = ReportData.wrap(result)
    found = data.prediction_data.require_decisions()
    chosen = {arm: each for arm, each in found.items() if fnmatchcase(arm, arms)}
    if not chosen:
        known = ", ".join(found)
        raise ValueError(f"study {data.study.name}: no decisions of an arm {arms!r}; of: {known}")
    return chosen


def reliability_data(result: StudyResult | ReportData, arms: str = "*") -> ReliabilityData:
    """Arguments and errors as :func:`chainrule.report.reliability`."""
    lines = [
        ReliabilityLine(arm, each.calibration(), error)
        for arm, each in select_decisions(result, arms).items()
        if (error := each.calibration_error()) is not None
    ]
    if not lines:
        name = ReportData.wrap(result).study.name
        raise ValueError(f"study {name}: the losses of these arms make no probabilities")
    return ReliabilityData(lines)


def confusion_data(result: StudyResult | ReportData, arms: str = "*") -> ConfusionData:
    """Arguments and errors as :func:`chainrule.report.confusion`."""
    found = select_decisions(result, arms)
    return ConfusionData([*found], [each.confusion() for each in found.values()])
