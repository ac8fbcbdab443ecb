"""What predicted intervals cover, beside the level that they claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import TYPE_CHECKING, final

from chainrule.report.data import ReportData
from chainrule.report.figure_data.base import FigureData
from chainrule.report.tables.metric import metric_values

if TYPE_CHECKING:
    from chainrule.study import Study, StudyResult

__all__ = ["CalibrationData", "CalibrationLine", "calibration_data"]

DEFAULT_LEVEL = 0.95
"""The level of a Coverage that names none."""


@final
@dataclass(frozen=True)
class CalibrationLine:
    """An arm: at each claimed level, the share of test targets covered, over its rounds."""

    arm: str
    levels: Sequence[float]
    means: Sequence[float]
    stds: Sequence[float]


@final
@dataclass(frozen=True)
class CalibrationData(FigureData):
    """A line an arm that predicts intervals."""

    lines: Sequence[CalibrationLine]


def calibration_data(result: StudyResult | ReportData, arms: str = "*") -> CalibrationData:
    """Coverage by level. Arguments and errors as :func:`chainrule.report.calibration`."""
    data = ReportData.wrap(result)
    levels = _coverage_levels(data.study)
    if not levels:
        raise ValueError(f"study {data.study.name}: none of its metrics is a Coverage")
    lines = []
    for arm in data.select_arms(arms):
        values = [metric_values(arm, metric) for metric in levels.values()]
        if all(values):
            stds = [stdev(v) if len(v) > 1 else 0.0 for v in values]
            lines.append(CalibrationLine(arm.arm, [*levels], [mean(v) for v in values], stds))
    if not lines:
        raise ValueError(f"study {data.study.name}: no arm of these predicts an interval")
    return CalibrationData(lines)


def _coverage_levels(study: Study) -> Mapping[float, str]:
    """Level → name of the metric that counts the coverage at it, from the lowest."""
    found = {
        float(component.arguments.get("level", DEFAULT_LEVEL)): name
        for name, component in study.metrics.items()
        if component.name == "Coverage"
    }
    return dict(sorted(found.items()))
