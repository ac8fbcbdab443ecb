"""The tables and sentences of a study over several data sets."""

from __future__ import annotations

import pytest

from chainrule._util.words import count_noun
from chainrule.report import (
    as_latex,
    as_markdown,
    datasets_comparisons_table,
    datasets_opening,
    datasets_progress,
    datasets_table,
    datasets_verdict,
)
from chainrule.study import DatasetsResult, run_datasets
from tests.study.results.test_datasets_result import disks

ARMS = {"narrow": {}, "wide": {"net": {"hidden": 7}}, "wider": {"net": {"hidden": 9}}}


@pytest.fixture(scope="module")
def result():
    return run_datasets(disks(arms=ARMS, rope=0.01, baseline="narrow"))


def test_data_sets_are_rows_and_arms_columns_with_mean_ranks_below(result):
    table = datasets_table(result)
    assert [c.title for c in table.columns] == ["data set", "narrow", "wide", "wider"]
    assert [row[0].text for row in table.cells] == ["few", "some", "many", "mean rank"]
    mean = result["some"].arm("wide").mean
    assert table.cells[1][2].order == mean
    assert sum(cell.order for cell in table.cells[3][1:]) == pytest.approx(6)


def test_with_more_arms_than_data_sets_arms_are_rows(result):
    two = {name: result.datasets[name] for name in ("few", "some")}
    table = datasets_table(DatasetsResult("small", two, ["few", "some"]))
    assert [c.title for c in table.columns] == ["arm", "few", "some", "mean rank"]
    assert [row[0].text for row in table.cells] == ["narrow", "wide", "wider"]


def test_the_scope_is_these_data_sets(result):
    found = result.comparisons
    table = datasets_comparisons_table(result)
    assert "over these 3 data sets" in table.caption
    sentences = datasets_verdict(result, found)
    assert all("these 3 data sets" in s for s in sentences[:-1])
    assert "these data sets" in sentences[-1]


def test_every_row_has_a_cell_a_column(result):
    for table in (datasets_table(result), datasets_comparisons_table(result)):
        assert {len(row) for row in table.cells} == {len(table.columns)}
        assert as_markdown(table).count("\n|") >= len(table.cells)
        assert "\\begin{tabular}" in as_latex(table)


def test_the_rope_has_a_column_where_there_is_one(result):
    assert "P(same)" in [c.title for c in datasets_comparisons_table(result).columns]
    without = run_datasets(disks(arms=ARMS))
    table = datasets_comparisons_table(without)
    assert "P(same)" not in [c.title for c in table.columns]
    assert {len(row) for row in table.cells} == {len(table.columns)}


def test_few_data_sets_are_said_to_be_few(result):
    notes = " ".join(datasets_comparisons_table(result).footnotes())
    assert "With 3 data sets and 2 comparisons the Wilcoxon" in notes
    assert "With 3 data sets this p is rather too small" in notes


def test_a_data_set_that_is_left_out_is_named(result):
    whole = DatasetsResult("small", result.datasets, [*result.declared, "late"])
    assert "Without late, where an arm has no result." in datasets_table(whole).footnotes()
    assert datasets_progress(whole) == "Not finished: 3 of 4 data sets complete."


def test_opening_and_progress(result):
    assert datasets_opening(result) == (
        "3 arms on 3 data sets, compared by accuracy on test data (more is better), over 3 rounds "
        "of each."
    )
    assert datasets_progress(result) == "All rounds on all 3 data sets are done."


def test_what_diverged_is_counted():
    arms = {**ARMS, "wild": {"optimizer": {"name": "SGD", "lr": 1e30}}}
    found = run_datasets(disks(arms=arms))
    diverged = sum(row.status == "diverged" for row in found.rows)
    assert diverged > 0
    said = f"{count_noun(diverged, 'round')} diverged"
    assert said in " ".join(datasets_table(found).footnotes())
    assert found.comparisons.ranking.arms[-1] == "wild"
