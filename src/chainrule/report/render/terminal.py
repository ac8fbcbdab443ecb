"""Tables for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from rich import table as rich_table
from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from chainrule.report.numbers import PLAIN, Unit
from chainrule.report.tables.comparisons import comparisons_sheet, effects_sheet
from chainrule.report.tables.layers import Rows, layers_sheet
from chainrule.report.tables.results import results_sheet
from chainrule.report.tables.table import Table

if TYPE_CHECKING:
    from chainrule.statistics import Comparisons, Effects
    from chainrule.study.results.study_result import StudyResult

__all__ = ["RichTable", "compare_table", "effects_table", "layers_table", "study_table"]


@final
class RichTable:
    """A sheet as rich prints it, without blanks at the ends of lines; ``table`` is rich's own."""

    def __init__(self, sheet: Table) -> None:
        self.caption = sheet.caption
        self.notes = tuple(sheet.notes)
        self.table = _table(sheet)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        parts: list[RenderableType] = [Text(self.caption), self.table, *map(Text, self.notes)]
        for part in parts:
            for line in Segment.split_lines(console.render(part, options)):
                yield from _trimmed(line)
                yield Segment.line()


def study_table(result: StudyResult) -> RichTable:
    """A row an arm; 80 columns hold arm names of 22 letters."""
    return RichTable(results_sheet(result))


def compare_table(
    comparisons: Comparisons, unit: Unit = PLAIN, *, goal: Literal["max", "min"] = "max"
) -> RichTable:
    """A row a comparison; ``unit`` is the metric's, from :func:`unit_of`, ``goal`` the study's."""
    return RichTable(comparisons_sheet(comparisons, unit, goal=goal))


def effects_table(
    effects: Effects, unit: Unit = PLAIN, *, goal: Literal["max", "min"] = "max"
) -> RichTable:
    """A row an effect; ``unit`` and ``goal`` as for :func:`compare_table`."""
    return RichTable(effects_sheet(effects, unit, goal=goal))


def layers_table(rows: Rows) -> RichTable:
    """A row a layer: all about one net, or a few numbers of several side by side."""
    return RichTable(layers_sheet(rows))


def _table(sheet: Table) -> rich_table.Table:
    table = rich_table.Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
    shown = [i for i, column in enumerate(sheet.columns) if column.short_title is not None]
    for column in (sheet.columns[i] for i in shown):
        # A long name breaks over lines; a number is never cut.
        table.add_column(
            Text(column.short_title or ""),
            justify="right" if column.numeric else "left",
            overflow="fold",
            no_wrap=column.numeric,
        )
    for row in sheet.cells:
        table.add_row(*(Text(row[i].text) for i in shown))
    return table


def _trimmed(line: list[Segment]) -> list[Segment]:
    """The line up to its last letter."""
    while line and not line[-1].text.strip():
        line = line[:-1]
    if not line:
        return line
    last = line[-1]
    return [*line[:-1], Segment(last.text.rstrip(), last.style)]
