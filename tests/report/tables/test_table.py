"""A table before it is written."""

from chainrule.report import Cell, Column, Table
from chainrule.report.numbers import MISSING

NOTHING = Cell(MISSING, None)


def test_columns_with_nothing_in_any_row_are_dropped_with_their_notes():
    columns = [Column("a"), Column("b", note="b: what it is."), Column("c")]
    cells = [[Cell("1", 1), NOTHING, NOTHING], [Cell("2", 2), NOTHING, Cell("3", 3)]]
    table = Table("t", "", columns, cells, [{"a": 1, "b": None}]).drop_empty_columns()
    assert [column.title for column in table.columns] == ["a", "c"]
    assert [[cell.text for cell in row] for row in table.cells] == [["1", MISSING], ["2", "3"]]
    assert table.footnotes() == []
    assert table.rows == [{"a": 1, "b": None}]


def test_an_empty_table_keeps_its_columns():
    assert len(Table("t", "", [Column("a")], [], []).drop_empty_columns().columns) == 1
