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

RESULTS = (
    Column("arm", "arm", numeric=False),
    Column("mean ± std", "mean ± std"),
    Column("n\u00a0ok\u00a0/\u00a0n", "ok/n"),
    Column("reported", "reported"),
    Column("from reported, s.e."),
    Column("parameters", "params"),
    Column("solo,\u00a0s", "solo"),
    Column("amortised,\u00a0s", "amort"),
    Column("K"),
)

OK = "n ok / n: rounds that did not diverge, of those done; a diverged one counts as"


def results_table(result: StudyResult | ReportData) -> Table:
    """A row an arm: the metric on the test set, beside what was reported, size and times."""
    data = ReportData.wrap(result)
    unit, study = data.unit, data.study
    metric = f"test {study.metric_name}{' in %' if unit.suffix else ''}"
    notes = [
        f"{OK} {unit.quantity(study.failure_value)}, the declared failure value.",
        "solo: seconds of one training run alone. amortised: cohort seconds / its K trainings.",
    ]
    if any(arm.reported for arm in data.arms):
        notes.append("reported ± is the source's own; s.e. is std / √n of ours.")
    return Table(
        "results",
        f"{study.name}: {metric}, mean ± standard deviation (ddof = 1) over n rounds.",
        RESULTS,
        [_result_cells(arm, unit) for arm in data.arms],
        data.result.as_rows(),
        notes,
    )


def _result_cells(arm: ArmResult, unit: Unit) -> list[Cell]:
    source, error = arm.reported, arm.standard_error
    distance = (arm.mean - source.mean) / error if source and error > 0 else None
    cohort_sizes = [row.cohort_size for row in arm.rows]
    return [
        Cell(arm.arm, arm.arm),
        Cell(unit.spread(arm.mean, arm.std), arm.mean),
        Cell(f"{arm.n_ok}/{arm.n}", arm.n_ok / arm.n),
        Cell(unit.spread(source.mean, source.std), source.mean) if source else Cell(MISSING, None),
        Cell(MISSING if distance is None else f"{distance:+.1f}", distance),
        Cell(f"{arm.parameters:,}", arm.parameters),
        Cell(_format_seconds(arm.solo_seconds), arm.solo_seconds),
        Cell(_format_seconds(arm.amortised_seconds), arm.amortised_seconds),
        Cell(_format_range(cohort_sizes), max(cohort_sizes)),
    ]


def _format_seconds(x: float | None) -> str:
    """Three digits."""
    if not x:
        return format_decimal(x, 0)
    return format_decimal(x, max(0, 2 - math.floor(math.log10(x))) if x > 1e-3 else 4)


def _format_range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"
