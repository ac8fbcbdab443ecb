"""The tables of a study: results, comparisons, effects, the search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from chainrule.report.numbers import unit_of
from chainrule.report.tables.candidates import candidates_sheet
from chainrule.report.tables.comparisons import comparisons_sheet, effects_sheet
from chainrule.report.tables.results import results_sheet
from chainrule.report.tables.table import Table

if TYPE_CHECKING:
    from chainrule.study.results.study_result import StudyResult

__all__ = ["What", "rows_of", "sheet_of"]

What = Literal["results", "comparisons", "effects", "candidates"]
"""The tables of a study."""


def sheet_of(result: StudyResult, what: What) -> Table:
    """A table of a study. Raises ValueError where there is too little for it, and for others."""
    if what == "results":
        return results_sheet(result)
    if what == "comparisons":
        return comparisons_sheet(result.compare(), unit_of(result), goal=result.study.goal)
    if what == "effects":
        return effects_sheet(result.effects(), unit_of(result), goal=result.study.goal)
    if what == "candidates":
        return candidates_sheet(result)
    raise ValueError(f"no table {what!r}; tables: results, comparisons, effects, candidates")


def rows_of(result: StudyResult, what: What) -> list[dict[str, object]]:
    """The rows of a table as JSON data, in full precision. Raises as :func:`sheet_of`."""
    return [dict(row) for row in sheet_of(result, what).rows]
