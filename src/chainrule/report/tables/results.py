"""The table of results: a row an arm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from chainrule.report.data import ReportData
from chainrule.report.numbers import MISSING, Unit, format_decimal
from chainrule.report.tables.table import Cell, Column, Table

if TYPE_CHECKING:
    from chainrule.study import StudyResult
    from chainrule.study.results.arm_result import ArmResult

__all__ = ["results_table"]

N_OK = "n ok / n: rounds that did not diverge, of those done"
REPORTED = (
    Column("reported", "reported", note="reported ± is the source's own."),
    Column(
        "from reported, s.e.",
        note="from reported, s.e.: ours − theirs, in standard errors of ours, std / √n.",
    ),
)
SOLO = Column("solo,\u00a0s", "solo", note="solo: seconds of one training run alone.")
AMORTISED = Column(
    "amortised,\u00a0s", "amort", note="amortised: cohort seconds / its K trainings."
)


def results_table(result: StudyResult | ReportData) -> Table:
    """A row an arm: the metric on the test set, beside what was reported, size and times."""
    data = ReportData.wrap(result)
    unit, study = data.unit, data.study
    metric = f"test {study.metric_name}{' in %' if unit.suffix else ''}"
    return Table(
        "results",
        f"{study.name}: {metric}, mean ± standard deviation (ddof = 1) over n rounds.",
        _result_columns(data),
        [_result_cells(arm, data) for arm in data.arms],
        data.result.as_rows(),
    )


def _has_reported(data: ReportData) -> bool:
    """Whether a source gives a number for any of these arms."""
    return any(arm.reported for arm in data.arms)


def _has_solo_seconds(data: ReportData) -> bool:
    """Whether a training of any of these arms was timed alone."""
    return any(arm.solo_seconds is not None for arm in data.arms)


def _result_columns(data: ReportData) -> list[Column]:
    """Without what is not known of any arm."""
    failure = data.unit.quantity(data.study.failure_value)
    diverged = f"a diverged one counts as {failure}, the declared failure value."
    return [
        Column("arm", "arm", numeric=False),
        Column("mean ± std", "mean ± std"),
        Column("n\u00a0ok\u00a0/\u00a0n", "ok/n", note=f"{N_OK}; {diverged}"),
        *(REPORTED if _has_reported(data) else ()),
        Column("parameters", "params"),
        *([SOLO] if _has_solo_seconds(data) else []),
        AMORTISED,
        Column("K"),
    ]


def _result_cells(arm: ArmResult, data: ReportData) -> list[Cell]:
    unit, solo = data.unit, Cell(_format_seconds(arm.solo_seconds), arm.solo_seconds)
    cohort_sizes = [row.cohort_size for row in arm.rows]
    return [
        Cell(arm.arm, arm.arm),
        Cell(unit.spread(arm.mean, arm.std), arm.mean),
        Cell(f"{arm.n_ok}/{arm.n}", arm.n_ok / arm.n),
        *(_reported_cells(arm, unit) if _has_reported(data) else ()),
        Cell(f"{arm.parameters:,}", arm.parameters),
        *([solo] if _has_solo_seconds(data) else []),
        Cell(_format_seconds(arm.amortised_seconds), arm.amortised_seconds),
        Cell(_format_range(cohort_sizes), max(cohort_sizes)),
    ]


def _reported_cells(arm: ArmResult, unit: Unit) -> list[Cell]:
    source, error = arm.reported, arm.standard_error
    if source is None:
        return [Cell(MISSING, None)] * 2
    distance = (arm.mean - source.mean) / error if error > 0 else None
    return [
        Cell(unit.spread(source.mean, source.std), source.mean),
        Cell(MISSING if distance is None else f"{distance:+.1f}", distance),
    ]


def _format_seconds(x: float | None) -> str:
    """Three digits."""
    if not x:
        return format_decimal(x, 0)
    return format_decimal(x, max(0, 2 - math.floor(math.log10(x))) if x > 1e-3 else 4)


def _format_range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"
