"""The tables of a study by name: results, comparisons, effects, candidates, importance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, get_args

from chainrule.report.data import ReportData
from chainrule.report.tables.candidates import candidates_table
from chainrule.report.tables.comparisons import comparisons_table
from chainrule.report.tables.effects import effects_table
from chainrule.report.tables.importance import importance_table
from chainrule.report.tables.results import results_table
from chainrule.report.tables.table import Table

if TYPE_CHECKING:
    from chainrule.study import StudyResult

__all__ = ["TableName", "build_table"]

TableName = Literal["results", "comparisons", "effects", "candidates", "importance"]
"""The tables of a study."""

BUILDERS: Mapping[str, Callable[[ReportData], Table]] = {
    "results": results_table,
    "comparisons": comparisons_table,
    "effects": effects_table,
    "candidates": candidates_table,
    "importance": importance_table,
}


def build_table(result: StudyResult | ReportData, name: TableName) -> Table:
    """A table of a study. Raises ValueError where there is too little for it, and for others."""
    if name not in BUILDERS:
        raise ValueError(f"no table {name!r}; tables: {', '.join(get_args(TableName))}")
    return BUILDERS[name](ReportData.wrap(result))
