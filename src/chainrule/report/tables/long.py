"""All numbers of the final trainings, one a row: for data frames."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from chainrule.report.data import ReportData
from chainrule.report.tables.table import Cell, Column, Table

if TYPE_CHECKING:
    from chainrule.study import StudyResult

__all__ = ["long_table"]

COLUMNS = (
    Column("arm", "arm", numeric=False),
    Column("round", "round"),
    Column("metric", "metric", numeric=False),
    Column("value", "value"),
)


def long_table(result: StudyResult | ReportData) -> Table:
    """A row an (arm, round, metric) of the final trainings; without a value where it diverged."""
    data = ReportData.wrap(result)
    rows = [
        {"arm": arm.arm, "round": row.round, "metric": name, "value": to_finite(value)}
        for arm in data.arms
        for row in arm.rows
        for name, value in row.metrics.items()
    ]
    cells = [[Cell("" if v is None else str(v), v) for v in row.values()] for row in rows]
    caption = f"{data.study.name}: every metric of every final training."
    return Table("long", caption, COLUMNS, cells, rows)


def to_finite(value: float) -> float | None:
    """The value; None for one that JSON has not."""
    return value if math.isfinite(value) else None
