"""The table of results."""

from __future__ import annotations

import math
from dataclasses import replace

from chainrule.report import (
    Table,
    build_table,
)
from chainrule.study import StudyResult
from tests.report.conftest import final_rows, without_search


def texts(table: Table, i: int = 0) -> list[str]:
    return [cell.text for cell in table.cells[i]]


def test_a_row_of_results(result):
    arm = result.arms[0]
    error = arm.std / math.sqrt(8)
    assert texts(build_table(result, "results")) == [
        "mlp",
        f"{100 * arm.mean:.2f} ± {100 * arm.std:.2f}",
        "8/8",
        "71.00 ± 1.30",
        f"{(arm.mean - 0.71) / error:+.1f}",
        "12,345",
        "1.50",
        "0.544",
        "8",
    ]


def test_what_was_not_measured_is_a_dash():
    study = without_search(reported={})
    found = StudyResult(study, final_rows(study, 1))
    cells = texts(build_table(found, "results"))
    assert cells[1].endswith("± –")
    assert cells[3:5] == ["–", "–"]
    assert cells[6] == "–"


def test_diverged_rounds_are_counted_and_their_rule_is_said(result):
    table = build_table(result, "results")
    assert texts(table, 3)[2] == "7/8"
    assert "a diverged one counts as 0.00 %, the declared failure value" in table.notes[0]


def test_the_spread_is_named(result):
    caption = build_table(result, "results").caption
    assert "test accuracy in %, mean ± standard deviation (ddof = 1) over n rounds" in caption


def test_solo_and_amortised_times_are_two_columns(result):
    titles = [c.title for c in build_table(result, "results").columns]
    assert [t.replace("\u00a0", " ") for t in titles[6:8]] == ["solo, s", "amortised, s"]


def test_cohorts_of_several_widths_are_a_range():
    study = without_search()
    rows = final_rows(study, 2)
    rows[0] = replace(rows[0], cohort_size=5)
    assert texts(build_table(StudyResult(study, rows), "results"))[-1] == "5 to 8"
