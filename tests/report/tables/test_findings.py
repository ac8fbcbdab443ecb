"""The table of a review."""

from __future__ import annotations

import json

from chainrule.report import as_csv, as_json, findings_table
from chainrule.study import Finding, Review


def test_one_row_has_all_arms_of_one_finding_and_files_have_a_row_each():
    def found(arm, message):
        return Finding("R001", "an edge", "warning", arm, message, "look beyond", {"value": 0.1})

    said = [found("a", "at the edge"), found("b", "far beyond"), found("c", "at the edge")]
    table = findings_table(Review("s", [*said, found(None, "at the edge")], {}))
    assert [[cell.text for cell in row] for row in table.cells] == [
        ["R001", "warning", "a, c, the study", "at the edge.", "look beyond."],
        ["R001", "warning", "b", "far beyond.", "look beyond."],
    ]
    assert [row["arm"] for row in json.loads(as_json(table))] == ["a", "b", "c", None]
    assert len(as_csv(table).splitlines()) == 5
