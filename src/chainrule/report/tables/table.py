"""A table before it is written: for the terminal, the page, a file or a paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, final

from chainrule.report.numbers import MISSING

__all__ = ["Cell", "Column", "Table"]


@final
@dataclass(frozen=True)
class Column:
    """A column: its title; ``short_title`` stands in the terminal, None leaves it out there.

    ``note`` explains it, and stands below the table wherever the column is shown. ``best``: the end
    that is wanted, which a page sorts to the top first.
    """

    title: str
    short_title: str | None = None
    numeric: bool = True
    note: str = ""
    best: Literal["low", "high"] = "low"


@final
@dataclass(frozen=True)
class Cell:
    """What is shown, rounded, and what sorts: a number, a text, or None for what is not known."""

    text: str
    order: float | str | None


@final
@dataclass(frozen=True)
class Table:
    """A table for readers (``columns``, ``cells``) and for programs (``rows``, full precision).

    ``caption`` names the ±; ``notes`` must be said beside the table, after what explains its
    columns.
    """

    name: str
    caption: str
    columns: Sequence[Column]
    cells: Sequence[Sequence[Cell]]
    rows: Sequence[Mapping[str, Any]]
    notes: Sequence[str] = ()

    @property
    def visible_columns(self) -> list[int]:
        """The places of the columns that the terminal shows."""
        return [i for i, column in enumerate(self.columns) if column.short_title is not None]

    def footnotes(self, places: Sequence[int] | None = None) -> list[str]:
        """What stands below the table where these columns are shown, all unless given."""
        shown = self.columns if places is None else [self.columns[i] for i in places]
        return list(dict.fromkeys([*(c.note for c in shown if c.note), *self.notes]))

    def drop_empty_columns(self) -> Table:
        """The table without the columns that have nothing in any row; ``rows`` keep all."""
        kept = [
            i
            for i in range(len(self.columns))
            if not self.cells or any(row[i].text != MISSING for row in self.cells)
        ]
        return replace(
            self,
            columns=[self.columns[i] for i in kept],
            cells=[[row[i] for i in kept] for row in self.cells],
        )
