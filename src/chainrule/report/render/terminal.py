"""Tables for the terminal."""

from __future__ import annotations

from typing import final

from rich import table as rich_table
from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from chainrule.report.tables.table import Table

__all__ = ["RichTable"]


@final
class RichTable:
    """A table as rich prints it, without blanks at the ends of lines; ``table`` is rich's own.

    80 columns hold arm names of 22 letters.
    """

    def __init__(self, table: Table) -> None:
        self.caption = table.caption
        self.notes = tuple(table.footnotes(table.visible_columns))
        self.table = _build_rich_table(table)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        parts: list[RenderableType] = [Text(self.caption), self.table, *map(Text, self.notes)]
        for part in parts:
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


def _strip_line(line: list[Segment]) -> list[Segment]:
    """The line up to its last letter."""
    while line and not line[-1].text.strip():
        line = line[:-1]
    if not line:
        return line
    last = line[-1]
    return [*line[:-1], Segment(last.text.rstrip(), last.style)]
