"""The table of results."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from chainrule.report import (
    Table,
    build_table,
)
from chainrule.statistics import FinitePool
from chainrule.study import StudyResult
from tests.report.conftest import final_rows, row, without_search


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


def titles(table: Table) -> list[str]:
    return [column.title.replace("\u00a0", " ") for column in table.columns]


def test_what_is_not_known_of_an_arm_is_a_dash():
    study = without_search(reported={"mlp": {"mean": 0.7}})
    found = StudyResult(study, final_rows(study, 1))
    table = build_table(found, "results")
    assert texts(table)[1].endswith("± –")
    assert [row[3].text for row in table.cells] == ["70.00 ± –", "–", "–", "–"]


def test_how_far_from_reported_goes_by_the_design():
    folds = without_search(data={"name": "x:y", "rounds": "folds", "folds": 5})
    found = StudyResult(folds, final_rows(folds, 8))
    arm, table = found.arms[0], build_table(found, "results")
    error = arm.std * math.sqrt(1 / 8 + 1 / 4)
    assert texts(table)[4] == f"{(arm.mean - 0.71) / error:+.1f}"
    assert "√(1/n + n_test/n_train) std, as rounds share samples" in " ".join(table.footnotes())


def test_in_a_pool_the_distance_from_reported_is_about_its_samples():
    study = without_search()
    found = StudyResult(study, final_rows(study, 8))
    found.__dict__["_design_and_problem"] = FinitePool(2500, 0.8), ""
    said = " ".join(build_table(found, "results").footnotes())
    assert "std / √n, about the mean over this pool of 2,500 samples alone." in said


def test_over_one_split_nobody_knows_how_far_from_reported_it_is():
    fixed = without_search(data={"name": "x:y", "rounds": "fixed"})
    table = build_table(StudyResult(fixed, final_rows(fixed, 8)), "results")
    assert "reported" in titles(table)
    assert "from reported, s.e." not in titles(table)
    assert {len(row) for row in table.cells} == {len(table.columns)}
    assert "Rounds differ by seeds alone" in " ".join(table.footnotes())


def test_what_is_known_of_no_arm_has_neither_a_column_nor_a_note():
    study = without_search(reported={})
    table = build_table(StudyResult(study, final_rows(study, 2)), "results")
    assert titles(table) == ["arm", "mean ± std", "n ok / n", "parameters", "amortised, s", "K"]
    assert {len(row) for row in table.cells} == {6}
    said = " ".join(table.footnotes())
    assert "reported" not in said
    assert "solo" not in said
    assert "amortised: cohort seconds" in said


def test_diverged_rounds_are_counted_and_their_rule_is_said(result):
    table = build_table(result, "results")
    assert texts(table, 3)[2] == "7/8"
    assert "a diverged one counts as 0.00 %, the declared failure value" in table.footnotes()[0]


def test_the_spread_is_named(result):
    caption = build_table(result, "results").caption
    assert "test accuracy in %, mean ± standard deviation (ddof = 1) over n rounds" in caption


def test_solo_and_amortised_times_are_two_columns(result):
    assert titles(build_table(result, "results"))[6:8] == ["solo, s", "amortised, s"]


def test_a_solo_time_of_another_machine_is_said_and_not_shown():
    study = without_search()
    arms = [arm.name for arm in study.all_arms]
    timings = [
        replace(row(arm, "timing", 0, 0, 0.5), worker=f"node{i // 3}:1", finished="2026")
        for i, arm in enumerate(arms)
    ]
    table = build_table(StudyResult(study, [*final_rows(study, 2), *timings]), "results")
    column = titles(table).index("solo, s")
    assert [cells[column].text == "–" for cells in table.cells] == [False, False, False, True]
    said = f"The solo times are those of node0; arm {arms[3]} was timed on another machine."
    assert said in table.footnotes()


@pytest.mark.parametrize(
    ("machines", "said"),
    [
        (1, ""),
        (2, "The amortised times are those of 2 machines, not of one: node0, node1."),
        (
            6,
            "The amortised times are those of 6 machines, not of one: node0, node1, node2, 3 more.",
        ),
    ],
)
def test_amortised_times_of_several_machines_are_said(machines, said):
    study = without_search()
    rows = [
        replace(row, worker=f"node{i % machines}:{i}") for i, row in enumerate(final_rows(study, 2))
    ]
    notes = build_table(StudyResult(study, rows), "results").footnotes()
    assert [note for note in notes if "machines" in note] == ([said] if said else [])


def test_cohorts_of_several_widths_are_a_range():
    study = without_search()
    rows = final_rows(study, 2)
    rows[0] = replace(rows[0], cohort_size=5)
    assert texts(build_table(StudyResult(study, rows), "results"))[-1] == "5 to 8"
