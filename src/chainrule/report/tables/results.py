"""The table of results: a row an arm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from chainrule.report.numbers import MISSING, Unit, decimal, unit_of
from chainrule.report.tables.table import Cell, Column, Table

if TYPE_CHECKING:
    from chainrule.study.results.arm_result import ArmResult
    from chainrule.study.results.study_result import StudyResult

__all__ = ["results_sheet"]

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


def results_sheet(result: StudyResult) -> Table:
    """A row an arm: the metric on the test set, beside what was reported, size and times."""
    unit, metric = unit_of(result), result.study.metric_name
    shown = f"test {metric}{' in %' if unit.sign else ''}"
    notes = [
        f"{OK} {unit.worded(result.study.worst)}, the declared worst value.",
        "solo: seconds of one training run alone. amortised: cohort seconds / its K trainings.",
    ]
    if any(arm.reported for arm in result.arms):
        notes.append("reported ± is the source's own; s.e. is std / √n of ours.")
    return Table(
        "results",
        f"{result.study.name}: {shown}, mean ± standard deviation (ddof = 1) over n rounds.",
        RESULTS,
        [_result_cells(arm, unit) for arm in result.arms],
        result.as_rows(),
        notes,
    )


def _result_cells(arm: ArmResult, unit: Unit) -> list[Cell]:
    said = arm.reported
    error = arm.standard_error
    far = (arm.mean - said.mean) / error if said and error > 0 else None
    return [
        Cell(arm.arm, arm.arm),
        Cell(unit.spread(arm.mean, arm.std), arm.mean),
        Cell(f"{arm.n_ok}/{arm.n}", arm.n_ok / arm.n),
        Cell(unit.spread(said.mean, said.std) if said else MISSING, said.mean if said else None),
        Cell(MISSING if far is None else f"{far:+.1f}", far),
        Cell(f"{arm.parameters:,}", arm.parameters),
        Cell(_seconds(arm.solo_seconds), arm.solo_seconds),
        Cell(_seconds(arm.amortised_seconds), arm.amortised_seconds),
        Cell(_range([row.width for row in arm.rows]), max(row.width for row in arm.rows)),
    ]


def _seconds(x: float | None) -> str:
    """Three digits."""
    if not x:
        return decimal(x, 0)
    return decimal(x, max(0, 2 - math.floor(math.log10(x))) if x > 1e-3 else 4)


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"
