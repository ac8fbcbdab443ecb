"""The rounds of each arm, for box plots."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

from chainrule.report.data import ReportData
from chainrule.report.figure_data.base import FigureData
from chainrule.report.numbers import Unit, metric_unit

if TYPE_CHECKING:
    from chainrule.study import StudyResult
    from chainrule.study.results.arm_result import ArmResult

__all__ = ["SECONDS", "Box", "BoxesData", "RoundValue", "boxes_data", "round_rows"]

SECONDS = "seconds"


@final
@dataclass(frozen=True)
class RoundValue:
    """A round: its value, and ``position``, where it is drawn; they differ off the axis alone."""

    value: float
    position: float
    diverged: bool


@final
@dataclass(frozen=True)
class Box:
    """An arm: its rounds, and the mean that was reported of it elsewhere."""

    arm: str
    rounds: Sequence[RoundValue]
    reported: float | None = None


@final
@dataclass(frozen=True)
class BoxesData(FigureData):
    """A box an arm; ``limits`` are those of the axis where it leaves out what diverged."""

    label: str
    unit: Unit
    boxes: Sequence[Box]
    limits: tuple[float, float] | None = None


def boxes_data(result: StudyResult | ReportData, metric: str | None = None) -> BoxesData:
    """The rounds of each arm. Arguments and errors as those of :func:`chainrule.report.boxes`."""
    data = ReportData.wrap(result)
    study = data.study
    name = metric or study.metric_name
    is_main = name == study.metric_name
    boxes = [
        Box(
            arm.arm,
            _round_values(data, arm, name),
            arm.reported.mean if is_main and arm.reported else None,
        )
        for arm in data.arms
    ]
    if not any(box.rounds for box in boxes):
        raise ValueError(f"study {study.name}: no values of {name!r} to show")
    label = "seconds, amortised" if name == SECONDS else f"test {name}"
    return _zoom_in(BoxesData(label, data.unit if is_main else metric_unit(name, study), boxes))


def _round_values(data: ReportData, arm: ArmResult, name: str) -> list[RoundValue]:
    """Each round that has a value."""
    if name == data.study.metric_name:
        values = list(arm.values)
    elif name == SECONDS:
        values = [row.seconds / row.cohort_size for row in arm.rows]
    else:
        values = [row.metrics.get(name, math.nan) for row in arm.rows]
    return [
        RoundValue(value, value, row.status == "diverged")
        for value, row in zip(values, arm.rows, strict=True)
        if math.isfinite(value)
    ]


def _zoom_in(data: BoxesData) -> BoxesData:
    """Where a few rounds diverged, they stand at the edge of the axis, which shows the others.

    Few: less than a quarter of an arm, so that its box is whole; or all of it, which is no box.
    """
    rounds = [found for box in data.boxes for found in box.rounds]
    finite = [found.value for found in rounds if not found.diverged]
    if not finite or len(finite) == len(rounds):
        return data
    counts = [(sum(x.diverged for x in box.rounds), len(box.rounds)) for box in data.boxes]
    if not all(4 * diverged < n or diverged == n for diverged, n in counts):
        return data
    margin = 0.06 * (max(finite) - min(finite)) or 0.05
    low, high = min(finite) - margin, max(finite) + margin
    boxes = [
        replace(box, rounds=[replace(x, position=min(max(x.value, low), high)) for x in box.rounds])
        for box in data.boxes
    ]
    return replace(data, boxes=boxes, limits=(low - margin / 2, high + margin / 2))


def round_rows(result: StudyResult | ReportData) -> list[dict[str, Any]]:
    """A row an arm and round: its test metric, and its seconds."""
    data = ReportData.wrap(result)
    return [
        {
            "arm": arm.arm,
            "round": row.round,
            data.study.metric_name: value if math.isfinite(value) else None,
            "status": row.status,
            "amortised_seconds": row.seconds / row.cohort_size,
        }
        for arm in data.arms
        for value, row in zip(arm.values, arm.rows, strict=True)
    ]
