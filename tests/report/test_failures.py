"""What failed is told wherever results are shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chainrule.report import comparisons_table, progress_sentence, render_page, results_table
from chainrule.study import StudyResult, run
from tests.study.small import small


@pytest.fixture(scope="module")
def result():
    bad = {"net": "tests.study.small:fragile"}
    return run(small(arms={"good": {}, "bad": bad, "better": {"net": {"hidden": 7}}}))


def test_an_arm_that_failed_is_a_row_without_a_mean(result):
    table = results_table(result)
    rows = {cells[0].text: [cell.text for cell in cells] for cells in table.cells}
    assert rows["bad"][1:3] == ["–", "0/3"]
    assert rows["good"][2] == "3/3"
    assert [row["n_failed"] for row in table.rows] == [0, 3, 0]
    assert table.rows[1]["error"].startswith("ZeroDivisionError: user code\n")


def test_below_the_table_stands_the_error_and_what_to_do(result):
    said = results_table(result).footnotes()
    assert "Arm bad failed in 3 of 3 rounds: ZeroDivisionError: user code." in said
    assert any("the same run tries it again" in sentence for sentence in said)
    assert progress_sentence(result).endswith("1 of 3 arms incomplete. Failed: bad.")


def test_what_did_not_fail_is_compared_and_what_did_is_named(result):
    table = comparisons_table(result)
    assert len(table.cells) == 1
    assert any(note.startswith("Not compared, for nothing of it") for note in table.notes)


def test_a_round_that_failed_is_counted_and_in_no_mean(result):
    rows = [
        replace(row, status="failed", metrics={}, note="gone")
        if (row.arm, row.stage, row.round) == ("good", "final", 1)
        else row
        for row in result.rows
    ]
    part = StudyResult(result.study, rows)
    assert [part.arm("good").n, part.arm("good").n_failed] == [2, 1]
    cells = next(cells for cells in results_table(part).cells if cells[0].text == "good")
    assert cells[2].text == "2/3"
    assert "Only rounds in which good did not fail are compared." in comparisons_table(part).notes


def test_the_page_lists_what_failed(result):
    page = render_page(result)
    assert "Failed trainings" in page
    assert "ZeroDivisionError: user code" in page
