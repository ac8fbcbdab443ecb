"""The tables of comparisons and effects."""

from __future__ import annotations

from chainrule.report import (
    Table,
    build_table,
    robustness_table,
)
from chainrule.statistics import FreshData, sensitivity
from tests.report.conftest import made, without_search


def texts(table: Table, i: int = 0) -> list[str]:
    return [cell.text for cell in table.cells[i]]


def test_a_row_of_comparisons(result):
    table, c = build_table(result, "comparisons"), result.compare().comparisons[0]
    assert "with the baseline mlp: paired t; differences in points" in table.caption
    assert texts(table)[:4] == [
        "mlp-sharing",
        "8",
        f"{100 * c.test.difference:+.2f}",
        f"[{100 * c.test.low:+.2f}, {100 * c.test.high:+.2f}]",
    ]
    assert len(table.columns) == len(table.cells[0]) == 16


def test_simultaneous_intervals_stand_beside_the_plain_ones(result):
    table, c = build_table(result, "comparisons"), result.compare().comparisons[2]
    titles = [column.title for column in table.columns]
    at = titles.index("simultaneous interval")
    assert titles[at - 1] == "interval"
    assert texts(table, 2)[at] == (
        f"[{100 * c.simultaneous_low:+.2f}, {100 * c.simultaneous_high:+.2f}]"
    )
    assert [i in table.visible_columns for i in (at - 1, at)] == [False, True]
    assert "for all 6 tests of the study at once" in " ".join(table.notes)


def test_one_comparison_has_one_interval():
    study = without_search(factors={}, arms={"a": {}, "b": {}}, reported={}, baseline="a")
    table = build_table(made(study, search=False), "comparisons")
    assert "simultaneous interval" not in [column.title for column in table.columns]


def test_no_difference_found_is_not_no_difference(result):
    table = build_table(result, "comparisons")
    titles = [column.title for column in table.columns]
    said = [row[titles.index("conclusion")].text for row in table.cells]
    assert said == ["a is better", "a is better", "no difference found"]
    detectable = sensitivity(result.compare().comparisons[2].test, FreshData(), comparisons=6)
    shown = table.cells[2][titles.index("detectable")]
    assert shown.text == f"{100 * detectable.difference:.2f}"


def test_what_the_design_or_a_missing_rope_leaves_empty_has_no_column():
    data = {"name": "x:y", "rounds": "folds", "folds": 8}
    found = made(without_search(data=data, rope=None), search=False)
    titles = [column.title for column in build_table(found, "comparisons").columns]
    assert not [title for title in titles if title.startswith("P(")]
    assert not robustness_table(found.compare()).cells


def test_the_scope_is_among_the_notes(result):
    notes = " ".join(build_table(result, "comparisons").footnotes())
    assert "every round has data of its own" in notes
    assert "n = 8 rounds" in notes
    assert "up to 0.50 points count as the same" in notes


def test_what_a_column_without_words_is_stands_below():
    notes = " ".join(build_table(made(without_search(), search=False), "comparisons").footnotes())
    assert "d_z: the mean difference in standard deviations" in notes
    assert "P(a > b): the share of rounds in which a is better than b" in notes


def test_where_less_is_better_the_sign_is_explained():
    found = made(without_search(metric="loss", direction="min", failure_value=1.0), search=False)
    notes = " ".join(build_table(found, "comparisons").notes)
    assert "A difference is a − b with the sign turned, as less is better" in notes


def test_the_robust_tests_stand_beside(result):
    found = result.compare()
    table = robustness_table(found)
    assert [c.order for c in table.cells[0][2:6]] == [
        found.comparisons[0].wilcoxon.p,
        found.comparisons[0].wilcoxon_p_holm,
        found.comparisons[0].sign_flip.p,
        found.comparisons[0].sign_flip_p_holm,
    ]


def test_a_row_of_effects(result):
    table = build_table(result, "effects")
    assert [row[0].text for row in table.cells] == [e.name for e in result.effects().effects]
    assert texts(table, 2)[1] == "interaction"
    titles = [column.title for column in table.columns]
    at = titles.index("simultaneous interval")
    effect = result.effects().effects[2]
    assert texts(table, 2)[at] == (
        f"[{100 * effect.simultaneous_low:+.2f}, {100 * effect.simultaneous_high:+.2f}]"
    )
    assert texts(table, 2)[titles.index("conclusion")] == "no effect found"
    assert "one for all 6 tests of the study at once" in " ".join(table.notes)
