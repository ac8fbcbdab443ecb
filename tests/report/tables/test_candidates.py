"""The table of a search."""

from __future__ import annotations

import pytest

from chainrule.report import (
    Table,
    build_table,
)
from chainrule.study import StudyResult
from tests.report.conftest import declared, made, row, without_search


def texts(table: Table, i: int = 0) -> list[str]:
    return [cell.text for cell in table.cells[i]]


def test_a_row_of_candidates(result):
    table = build_table(result, "candidates")
    assert len(table.cells) == 4 * 6
    assert texts(table, 2) == ["mlp", "0.01", "50", "64.00", "1/1", "1/1"]


def test_without_a_search_there_are_no_candidates():
    with pytest.raises(ValueError, match="study toy: no search was made"):
        build_table(made(without_search(), search=False), "candidates")


def test_the_declaration_decides_what_a_candidate_shows():
    study = declared(space={"optimizer.lr": [0.5, 0.25]})
    rows = [
        row("mlp", "search", i, -1, 0.5, setting={"optimizer.lr": x})
        for i, x in enumerate((0.5, 0.25))
    ]
    assert texts(build_table(StudyResult(study, rows), "candidates"))[:2] == ["mlp", "0.5"]
