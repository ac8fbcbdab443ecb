"""One of the metrics that a study counts, arm by arm; not only the one that selects."""

from __future__ import annotations

import math
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from chainrule.report.numbers import MISSING, Unit, unit_named
from chainrule.report.tables.table import Cell, Column, Table

if TYPE_CHECKING:
    from chainrule.study.results.arm_result import ArmResult
    from chainrule.study.results.study_result import StudyResult

__all__ = ["metric_sheet", "values_of"]

COLUMNS = (
    Column("arm", "arm", numeric=False),
    Column("mean ± std", "mean ± std"),
    Column("n\u00a0known\u00a0/\u00a0n", "known/n"),
    Column("least", "least"),
    Column("most", "most"),
)

KNOWN = "n known / n: rounds that gave a value, of those done; the others are left out."


def metric_sheet(result: StudyResult, name: str) -> Table:
    """A row an arm: a metric over the rounds that have it, those that diverged left out.

    Raises ValueError, which lists the metrics, where no round has one of this name.
    """
    known = dict.fromkeys(m for arm in result.arms for row in arm.rows for m in row.metrics)
    if name not in known:
        listed = ", ".join(known) or "none yet"
        raise ValueError(f"study {result.study.name}: no metric {name!r}; metrics: {listed}")
    found = {arm.arm: values_of(arm, name) for arm in result.arms}
    unit = unit_named(name, result.study)
    spread = "mean ± standard deviation (ddof = 1)"
    return Table(
        name,
        f"{result.study.name}: test {name}{' in %' if unit.sign else ''}, {spread}.",
        COLUMNS,
        [_cells(arm, found[arm.arm], unit) for arm in result.arms],
        [_row(arm, name, found[arm.arm]) for arm in result.arms],
        [KNOWN],
    )


def values_of(arm: ArmResult, name: str) -> list[float]:
    """A metric of each round that has it and did not diverge."""
    values = [row.metrics.get(name, math.nan) for row in arm.rows if row.status != "diverged"]
    return [v for v in values if math.isfinite(v)]


def _spread(values: list[float]) -> tuple[float | None, float | None]:
    """Mean and standard deviation, as far as they are known."""
    return mean(values) if values else None, stdev(values) if len(values) > 1 else None


def _cells(arm: ArmResult, values: list[float], unit: Unit) -> list[Cell]:
    middle, std = _spread(values)
    low, high = min(values, default=None), max(values, default=None)
    shown = MISSING if middle is None else unit.spread(middle, std)
    return [
        Cell(arm.arm, arm.arm),
        Cell(shown, middle),
        Cell(f"{len(values)}/{arm.n}", len(values)),
        Cell(unit.number(low), low),
        Cell(unit.number(high), high),
    ]


def _row(arm: ArmResult, name: str, values: list[float]) -> dict[str, Any]:
    middle, std = _spread(values)
    return {
        "arm": arm.arm,
        "metric": name,
        "mean": middle,
        "std": std,
        "n": arm.n,
        "n_known": len(values),
        "values": values,
    }
