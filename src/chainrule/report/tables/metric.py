"""One of the metrics that a study counts, arm by arm; not only the one that selects."""

from __future__ import annotations

import math
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from chainrule.report.data import ReportData
from chainrule.report.numbers import MISSING, Unit, metric_unit
from chainrule.report.tables.table import Cell, Column, Table

if TYPE_CHECKING:
    from chainrule.study import StudyResult
    from chainrule.study.results.arm_result import ArmResult

__all__ = ["metric_table", "metric_values"]

COLUMNS = (
    Column("arm", "arm", numeric=False),
    Column("mean ± std", "mean ± std"),
    Column("n\u00a0known\u00a0/\u00a0n", "known/n"),
    Column("least", "least"),
    Column("most", "most"),
)

KNOWN = "n known / n: rounds that gave a value, of those done; the others are left out."


def metric_table(result: StudyResult | ReportData, name: str) -> Table:
    """A row an arm: a metric over the rounds that have it, those that diverged left out.

    Raises ValueError, which lists the metrics, where no round has one of this name.
    """
    data = ReportData.wrap(result)
    names = dict.fromkeys(m for arm in data.arms for row in arm.rows for m in row.metrics)
    if name not in names:
        listed = ", ".join(names) or "none yet"
        raise ValueError(f"study {data.study.name}: no metric {name!r}; metrics: {listed}")
    unit = metric_unit(name, data.study)
    spread = "mean ± standard deviation (ddof = 1)"
    return Table(
        name,
        f"{data.study.name}: test {name}{' in %' if unit.suffix else ''}, {spread}.",
        COLUMNS,
        [_metric_cells(arm, name, unit) for arm in data.arms],
        [_metric_row(arm, name) for arm in data.arms],
        [KNOWN],
    )


def metric_values(arm: ArmResult, name: str) -> list[float]:
    """A metric of each round that has it and did not diverge."""
    values = [row.metrics.get(name, math.nan) for row in arm.rows if row.status != "diverged"]
    return [v for v in values if math.isfinite(v)]


def _mean_and_std(values: list[float]) -> tuple[float | None, float | None]:
    """Mean and standard deviation, as far as they are known."""
    return mean(values) if values else None, stdev(values) if len(values) > 1 else None


def _metric_cells(arm: ArmResult, name: str, unit: Unit) -> list[Cell]:
    values = metric_values(arm, name)
    middle, std = _mean_and_std(values)
    low, high = min(values, default=None), max(values, default=None)
    spread = MISSING if middle is None else unit.spread(middle, std)
    return [
        Cell(arm.arm, arm.arm),
        Cell(spread, middle),
        Cell(f"{len(values)}/{arm.n}", len(values)),
        Cell(unit.number(low), low),
        Cell(unit.number(high), high),
    ]


def _metric_row(arm: ArmResult, name: str) -> dict[str, Any]:
    values = metric_values(arm, name)
    middle, std = _mean_and_std(values)
    return {
        "arm": arm.arm,
        "metric": name,
        "mean": middle,
        "std": std,
        "n": arm.n,
        "n_known": len(values),
        "values": values,
    }
