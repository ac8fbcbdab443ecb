"""Tables in the terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from chainrule.report import RichTable, Table, comparisons_table, effects_table, results_table
from chainrule.study import StudyResult
from tests.report.conftest import final_rows, made, without_search


def printed(table: Table, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(RichTable(table))
    return console.file.getvalue().splitlines()


@pytest.fixture(scope="module")
def sixteen() -> StudyResult:
    """Sixteen arms whose names have up to 22 letters."""
    levels = [f"network-no-{i:03}" for i in range(8)]
    reported = {level: {"mean": 0.7123, "std": 0.0123} for level in levels}
    return made(without_search(levels, reported=reported, rounds=30), rounds=30, search=False)


def test_a_row_an_arm(result):
    (line,) = [line for line in printed(results_table(result)) if line.startswith("mlp ")]
    assert line.split() == [
        "mlp",
        "69.10",
        "±",
        "2.57",
        "8/8",
        "71.00",
        "±",
        "1.30",
        "12,345",
        "1.50",
        "0.544",
    ]


def test_what_is_shown_is_said(result):
    text = " ".join(" ".join(printed(results_table(result))).split())
    assert "toy: test accuracy in %, mean ± standard deviation (ddof = 1) over n rounds." in text
    assert "solo: seconds of one training run alone" in text


def test_a_column_that_is_not_shown_has_no_footnote(result):
    table = results_table(result)
    assert "in standard errors of ours" in " ".join(table.footnotes())
    assert "standard errors" not in " ".join(printed(table))
    pairs = comparisons_table(result, result.compare(all_pairs=True))
    assert not [line for line in printed(pairs) if line.startswith(("d_z:", "P("))]


@pytest.mark.parametrize("width", [30, 40])
def test_in_a_narrow_terminal_the_cells_of_a_row_stand_one_below_the_other(sixteen, width):
    lines = printed(results_table(sixteen), width)
    assert max(map(len, lines)) <= width
    first = lines.index("network-no-000")
    assert lines[first + 1].startswith("  mean ± std: ")
    assert lines[first + 2 : first + 4] == ["  ok/n: 30/30", "  reported: 71.23 ± 1.23"]


def test_sixteen_arms_fit_in_eighty_columns(sixteen):
    lines = printed(results_table(sixteen))
    arms = [line for line in lines if line.startswith("network")]
    assert len(max((arm.arm for arm in sixteen.arms), key=len)) == 22
    assert len(arms) == 16
    assert all("30/30" in line or "29/30" in line for line in arms)
    assert max(map(len, lines)) <= 80


def test_comparisons_fit_in_eighty_columns(sixteen):
    lines = printed(comparisons_table(sixteen))
    assert len([line for line in lines if line.startswith("network")]) == 15
    assert max(map(len, lines)) <= 80


def test_pairs_name_both_arms(result):
    lines = printed(comparisons_table(result, result.compare(all_pairs=True)))
    assert any(line.split()[:2] == ["mlp", "mlp-sharing"] for line in lines)


def test_effects_are_printed_in_the_unit_of_the_metric(result):
    lines = printed(effects_table(result))
    difference = result.effects().effects[1].test.difference
    assert any(line.startswith("sharing") and f"{100 * difference:+.2f}" in line for line in lines)


def test_no_line_ends_in_a_blank(result):
    lines = printed(results_table(result), 120)
    assert all(line == line.rstrip() for line in lines)


def test_a_name_is_printed_as_it_is():
    study = without_search(factors={}, arms={"[red]x": {}, "b": {}}, baseline="b", reported={})
    lines = printed(results_table(StudyResult(study, final_rows(study, 2))))
    assert any(line.startswith("[red]x ") for line in lines)


def test_without_results_there_is_a_head_alone():
    lines = printed(results_table(StudyResult(without_search(), [])))
    assert lines[0].startswith("toy: test accuracy")
    assert lines[1].startswith("arm")
