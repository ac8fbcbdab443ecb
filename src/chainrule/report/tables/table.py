"""A table before it is written: for the terminal, the page, a file or a paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

__all__ = ["Cell", "Column", "Table"]


@final
@dataclass(frozen=True)
class Column:
    """A column: its title; ``short_title`` stands in the terminal, None leaves it out there."""

    title: str
    short_title: str | None = None
    numeric: bool = True


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

    ``caption`` names the ±; ``notes`` must be said beside the table.
    """

    name: str
    caption: str
    columns: Sequence[Column]
    cells: Sequence[Sequence[Cell]]
    rows: Sequence[Mapping[str, Any]]
    notes: Sequence[str] = ()
