"""The table of what mattered in a search: a row an arm and path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.report.data import ReportData
from chainrule.report.tables.table import Cell, Column, Table

if TYPE_CHECKING:
    from chainrule.study import StudyResult

__all__ = ["importance_table"]

NOTE = (
    "importance: how far a setting's values in the best tenth of the candidates are from those in "
    "all (PED-ANOVA); the settings of an arm sum to 1. Few candidates tell little."
)


def importance_table(result: StudyResult | ReportData) -> Table:
    """A row an arm and searched path, the most important first.

    Raises ValueError where no arm searched two paths.
    """
    data = ReportData.wrap(result)
    if not data.importances:
        raise ValueError(f"study {data.study.name}: no arm has searched two settings or more")
    rows: list[dict[str, Any]] = [
        {"arm": arm, "path": path, "importance": share, "candidates": len(data.candidates[arm])}
        for arm, shares in data.importances.items()
        for path, share in sorted(shares.items(), key=lambda pair: -pair[1])
    ]
    titles = ("arm", "path", "importance", "candidates")
    return Table(
        "importance",
        f"{data.study.name}: which of the searched settings mattered.",
        [
            Column(title, title, numeric=title not in ("arm", "path"), best="high")
            if title == "importance"
            else Column(title, title, numeric=title not in ("arm", "path"))
            for title in titles
        ],
        [
            [
                Cell(row["arm"], row["arm"]),
                Cell(row["path"], row["path"]),
                Cell(f"{row['importance']:.2f}", row["importance"]),
                Cell(f"{row['candidates']:,}", row["candidates"]),
            ]
            for row in rows
        ],
        rows,
        [NOTE],
    )
