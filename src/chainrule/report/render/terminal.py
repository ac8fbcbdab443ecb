"""Tables for the terminal."""

from __future__ import annotations

from typing import final

from rich import table as rich_table
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.segment import Segment
from rich.text import Text

from chainrule.report.tables.table import Table

__all__ = ["RichTable"]

LEAST_TEXT = 12
"""Letters of a text that a line of a table shows at least."""


@final
class RichTable:
    """A table as rich prints it, without blanks at the ends of lines; ``table`` is rich's own.

    80 columns hold arm names of 22 letters. In a terminal that is too narrow for its numbers and 12
    letters of each text, the rows stand one below the other: the first cell, then a line a cell.
    """

    def __init__(self, table: Table) -> None:
        self.caption = table.caption
        self.notes = tuple(table.footnotes(table.visible_columns))
        self.table = _build_rich_table(table)
        self.rows = _stack_rows(table)
        self.least_width = _measure_least_width(table)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        is_narrow = options.max_width < self.least_width
        body: list[RenderableType] = [*self.rows] if is_narrow else [self.table]
        for part in (Text(self.caption), *body, *map(Text, self.notes)):
            for line in Segment.split_lines(console.render(part, options)):
                yield from _strip_line(line)
                yield Segment.line()


def _build_rich_table(table: Table) -> rich_table.Table:
    built = rich_table.Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
    visible = table.visible_columns
    for column in (table.columns[i] for i in visible):
        # A long name breaks over lines; a number is never cut.
        built.add_column(
            Text(column.short_title or ""),
            justify="right" if column.numeric else "left",
            overflow="fold",
            no_wrap=column.numeric,
        )
    for row in table.cells:
        built.add_row(*(Text(row[i].text) for i in visible))
    return built


def _stack_rows(table: Table) -> list[RenderableType]:
    """Each row over several lines, for a narrow terminal."""
    first, *others = table.visible_columns
    parts: list[RenderableType] = []
    for row in table.cells:
        parts.append(Text(row[first].text))
        for i in others:
            column = table.columns[i]
            title = column.short_title or ""
            if "\n" in title:  # some of it may stand over the column before
                title = column.title
            parts.append(Padding(Text(f"{title}: {row[i].text}"), (0, 0, 0, 2)))
    return parts


def _measure_least_width(table: Table) -> int:
    """Columns of the terminal below which the table would cut numbers, or shred texts."""
    least = []
    for i in table.visible_columns:
        column = table.columns[i]
        texts = [*(column.short_title or "").split("\n"), *(row[i].text for row in table.cells)]
        widest = max(map(cell_len, texts))
        least.append(widest if column.numeric else min(widest, LEAST_TEXT))
    return sum(least) + len(least) - 1


def _strip_line(line: list[Segment]) -> list[Segment]:
    """The line up to its last letter."""
    while line and not line[-1].text.strip():
        line = line[:-1]
    if not line:
        return line
    last = line[-1]
    return [*line[:-1], Segment(last.text.rstrip(), last.style)]
