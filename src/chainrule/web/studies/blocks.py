"""What a study's page is made of, as JSON data: paragraphs, tables and figures, each of a kind.

Every number is one of the report's own, in its words; the page draws and sorts, it computes none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from chainrule.report.figure_data import FigureData
from chainrule.report.tables.table import Table

__all__ = ["Block", "figure_block", "heading", "optional", "paragraphs", "table_block"]

Block: TypeAlias = dict[str, Any]
"""``kind``, and what the page needs to draw one of it."""

MAX_ROWS = 1000
"""A table shows so many; the others are in ``chainrule show``."""


def heading(text: str) -> Block:
    """A line above what follows."""
    return {"kind": "heading", "text": text}


def paragraphs(sentences: Iterable[str], *, quiet: bool = False) -> list[Block]:
    """A paragraph a sentence; none of an empty one."""
    return [{"kind": "text", "text": text, "quiet": quiet} for text in sentences if text]


def table_block(table: Table) -> Block:
    """A table, with what stands above and below it."""
    table = table.drop_empty_columns()
    hidden = len(table.cells) - MAX_ROWS
    more = [f"The first {MAX_ROWS:,} rows; chainrule show prints them all."] if hidden > 0 else []
    return {
        "kind": "table",
        "name": table.name,
        "caption": table.caption,
        "columns": [
            {"title": c.title, "numeric": c.numeric, "best": c.best} for c in table.columns
        ],
        "cells": [[[cell.text, cell.order] for cell in row] for row in table.cells[:MAX_ROWS]],
        "notes": [*table.footnotes(), *more],
    }


def figure_block(kind: str, data: FigureData, caption: str = "") -> Block:
    """What a figure shows, for the page to draw."""
    return {"kind": kind, "caption": caption, "data": data.as_dict()}


def optional(*makers: Callable[[], Block | Sequence[Block]]) -> list[Block]:
    """Those of the blocks that there is enough for; of the others, why not, once each."""
    found: list[Block] = []
    problems: dict[str, None] = {}
    for make in makers:
        try:
            made = make()
        except (ValueError, OSError, ImportError) as error:  # StudyError is a ValueError
            problems[f"{error}"] = None
        else:
            found += [made] if isinstance(made, dict) else made
    return found or paragraphs(problems, quiet=True)
