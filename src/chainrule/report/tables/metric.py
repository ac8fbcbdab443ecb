"""One of the metrics that a study counts, arm by arm; not only the one that selects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from chainrule._util.suggest import did_you_mean
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

KNOWN = (
    "n known / n: rounds that gave a value, of those done. Where some did not, no mean is given: "
    "it would favour an arm whose rounds diverge."
)


def metric_table(result: StudyResult | ReportData, name: str) -> Table:
    """A row an arm: a metric over its rounds, and its mean where all of them have a value.

    A round that diverged has none, but for the metric that selects: there it has the declared
    failure value, as in the table of results. Raises ValueError, which lists the metrics, where
    no round has one of this name.
    """
    data = ReportData.wrap(result)
    names = dict.fromkeys(m for arm in data.arms for row in arm.rows for m in row.metrics)
    if name not in names:
        listed = ", ".join(names) or "none yet"
        hint = did_you_mean(name, names)
        raise ValueError(f"study {data.study.name}: no metric {name!r}; {hint}metrics: {listed}")
    unit = metric_unit(name, data.study)
    spread = "mean ± standard deviation (ddof = 1)"
    return Table(
        name,
        f"{data.study.name}: test {name}{' in %' if unit.suffix else ''}, {spread}.",
        COLUMNS,
        [_metric_cells(arm, name, unit) for arm in data.arms],
        [_metric_row(arm, name) for arm in data.arms],
        [KNOWN, *([data.search_scope] if data.search_scope else [])],
    )


def metric_values(arm: ArmResult, name: str) -> list[float]:
    """A metric of each round that has it and did not diverge."""
    values = [row.metrics.get(name, math.nan) for row in arm.rows if row.status != "diverged"]
    return [v for v in values if math.isfinite(v)]


@dataclass(frozen=True)
class _Summary:
    """A metric of an arm; mean and standard deviation are None where a round has no value."""

    values: Sequence[float]
    n_known: int
    mean: float | None
    std: float | None

    @classmethod
    def compute(cls, arm: ArmResult, name: str) -> _Summary:
        """Of the study's own metric a diverged round has the failure value, of others none."""
        known = metric_values(arm, name)
        values = arm.values if name == arm.metric else known
        whole = len(values) == arm.n
        std = stdev(values) if whole and arm.n > 1 else None
        return cls(values, len(known), mean(values) if whole else None, std)


def _metric_cells(arm: ArmResult, name: str, unit: Unit) -> list[Cell]:
    found = _Summary.compute(arm, name)
    low, high = min(found.values, default=None), max(found.values, default=None)
    spread = MISSING if found.mean is None else unit.spread(found.mean, found.std)
    return [
        Cell(arm.arm, arm.arm),
        Cell(spread, found.mean),
        Cell(f"{found.n_known}/{arm.n}", found.n_known),
        Cell(unit.number(low), low),
        Cell(unit.number(high), high),
    ]


def _metric_row(arm: ArmResult, name: str) -> dict[str, Any]:
    found = _Summary.compute(arm, name)
    return {
        "arm": arm.arm,
        "metric": name,
        "mean": found.mean,
        "std": found.std,
        "n": arm.n,
        "n_known": found.n_known,
        "values": list(found.values),
    }
