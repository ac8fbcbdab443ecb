"""The tables: what readers see, and the full numbers beside it."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace

import pytest

from chainrule.report import (
    Cell,
    Column,
    ReportData,
    Table,
    Unit,
    as_csv,
    as_json,
    as_latex,
    as_markdown,
    build_table,
    robustness_table,
)
from chainrule.report.numbers import PLAIN, format_decimal, format_p
from chainrule.statistics import StatisticsError
from chainrule.study import StudyResult
from tests.report.conftest import declared, final_rows, made, row, without_search

WHAT = ["results", "comparisons", "effects", "candidates"]
PERCENT = Unit(100.0, 2, " %", " points")


def texts(table: Table, i: int = 0) -> list[str]:
    return [cell.text for cell in table.cells[i]]


# numbers


def test_an_accuracy_is_in_per_cent_and_its_differences_in_points(result):
    unit = ReportData(result).unit
    assert unit.quantity(0.8319) == "83.19 %"
    assert unit.spread(0.8319, 0.0045) == "83.19 ± 0.45"
    assert unit.spread(0.8319, math.nan) == "83.19 ± –"
    assert unit.interval(-0.0012, 0.0252) == "[-0.12, +2.52]"
    assert unit.difference_suffix == " points"


@pytest.mark.parametrize(("std", "shown"), [(0.0123, "0.500"), (1.7, "0.5"), (25.0, "0")])
def test_another_metric_has_its_own_unit_to_two_digits_of_the_spread(std, shown):
    study = without_search(metric="loss", goal="min", worst=9.0)
    values = (0.5 - std / math.sqrt(2), 0.5 + std / math.sqrt(2))
    rows = [
        row(arm.name, "final", 0, i, 0.0, metrics={"loss": v})
        for arm in study.all_arms
        for i, v in enumerate(values)
    ]
    unit = ReportData(StudyResult(study, rows)).unit
    assert (unit.number(0.5), unit.suffix) == (shown, "")


@pytest.mark.parametrize(
    ("p", "shown"),
    [
        (0.0004, "< 0.001"),
        (0.0123, "0.012"),
        (0.0496, "0.0496"),
        (0.0504, "0.0504"),
        (1.0, "1.000"),
        (None, "–"),
    ],
)
def test_a_p_never_hides_the_side_of_five_per_cent(p, shown):
    assert format_p(p) == shown


def test_what_is_not_known_is_a_dash():
    assert [format_decimal(x, 1) for x in (None, math.nan, math.inf, -math.inf)] == [
        "–",
        "–",
        "∞",
        "-∞",
    ]
    assert [format_decimal(5.4e16, 2), PLAIN.difference(-5.4e16)] == ["5.4e+16", "-5.4e+16"]


# results


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
    assert "a diverged one counts as 0.00 %, the declared worst value" in table.notes[0]


def test_the_spread_is_named(result):
    caption = build_table(result, "results").caption
    assert "test accuracy in %, mean ± standard deviation (ddof = 1) over n rounds" in caption


def test_solo_and_amortised_times_are_two_columns(result):
    titles = [c.title for c in build_table(result, "results").columns]
    assert [t.replace("\u00a0", " ") for t in titles[6:8]] == ["solo, s", "amortised, s"]


def test_cohorts_of_several_widths_are_a_range():
    study = without_search()
    rows = final_rows(study, 2)
    rows[0] = replace(rows[0], width=5)
    assert texts(build_table(StudyResult(study, rows), "results"))[-1] == "5 to 8"


# comparisons and effects


def test_a_row_of_comparisons(result):
    table, c = build_table(result, "comparisons"), result.compare().comparisons[0]
    assert "with the baseline mlp: paired t; differences in points" in table.caption
    assert texts(table)[:4] == [
        "mlp-sharing",
        "8",
        f"{100 * c.test.difference:+.2f}",
        f"[{100 * c.test.low:+.2f}, {100 * c.test.high:+.2f}]",
    ]
    assert len(table.columns) == len(table.cells[0]) == 12


def test_what_the_design_or_a_missing_rope_leaves_empty_has_no_column():
    data = {"name": "x:y", "rounds": "folds", "folds": 8}
    found = made(without_search(data=data, rope=None), search=False)
    titles = [column.title for column in build_table(found, "comparisons").columns]
    assert not [title for title in titles if title.startswith("P(")]
    assert not robustness_table(found.compare()).cells


def test_the_scope_is_among_the_notes(result):
    notes = " ".join(build_table(result, "comparisons").notes)
    assert "every round has data of its own" in notes
    assert "n = 8 rounds" in notes
    assert "up to 0.50 points count as the same" in notes


def test_where_less_is_better_the_sign_is_explained():
    found = made(without_search(metric="loss", goal="min", worst=1.0), search=False)
    note = build_table(found, "comparisons").notes[0]
    assert note.startswith("A difference is a − b with the sign turned, as less is better")


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
    assert "Holm counts 3 effects" in " ".join(table.notes)


# candidates


def test_a_row_of_candidates(result):
    table = build_table(result, "candidates")
    assert len(table.cells) == 4 * 6
    assert texts(table, 2) == ["mlp", "0.01", "50", "64.00", "1/1", "1/1"]


def test_without_a_search_there_are_no_candidates():
    with pytest.raises(ValueError, match="study toy: no search was made"):
        build_table(made(without_search(), search=False), "candidates")


def test_a_table_that_does_not_exist(result):
    with pytest.raises(ValueError, match="no table 'x'; tables: results, comparisons"):
        build_table(result, "x")


def test_too_little_to_compare_is_the_statistics_own_error():
    study = without_search()
    with pytest.raises(StatisticsError, match="at least 2"):
        build_table(StudyResult(study, final_rows(study, 1)), "comparisons")


# as text


@pytest.mark.parametrize("what", WHAT)
def test_json_has_the_rows_in_full(result, what):
    assert json.loads(as_json(build_table(result, what))) == build_table(result, what).rows


@pytest.mark.parametrize("what", WHAT)
def test_csv_has_every_number_in_full(result, what):
    found = list(csv.DictReader(io.StringIO(as_csv(build_table(result, what)))))
    for read, meant in zip(found, build_table(result, what).rows, strict=True):
        for name, value in meant.items():
            if isinstance(value, float):
                assert float(read[name]) == value
            elif value is None:
                assert read.get(name, "") == ""


def test_csv_takes_objects_apart(result):
    (first, *_) = csv.DictReader(io.StringIO(as_csv(build_table(result, "results"))))
    assert float(first["reported.mean"]) == 0.71
    assert json.loads(first["values"]) == list(result.arms[0].values)


ODD = Table(
    "odd",
    "100 % of a_b ± c",
    [Column("a|b", numeric=False), Column("x")],
    [[Cell("$5 & <b>_#{~^\\", 1.0), Cell("[+1, +2]", 2.0)], [Cell("[a]", 0.0), Cell("–", None)]],
    [],
)

END = r"\textasciicircum{}\textbackslash{} & [+1, +2] \\"


def test_latex_is_booktabs_with_everything_escaped():
    assert as_latex(ODD).splitlines()[2:] == [
        "  \\centering",
        "  \\caption{100 \\% of a\\_b $\\pm$ c}",
        "  \\begin{tabular}{lr}",
        "    \\toprule",
        "    a|b & x \\\\",
        "    \\midrule",
        r"    \$5 \& \textless{}b\textgreater{}\_\#\{\textasciitilde{}" + END,
        "    {[a]} & -- \\\\",
        "    \\bottomrule",
        "  \\end{tabular}",
        "\\end{table}",
    ]


def test_markdown_keeps_its_columns_whatever_the_names_hold():
    lines = as_markdown(ODD).splitlines()
    assert lines[:3] == [r"| a\|b | x |", "| :--- | ---: |", r"| $5 & \<b\>\_#{~^\\ | \[+1, +2\] |"]
    assert lines[-1] == r"*100 % of a\_b ± c*"


@pytest.mark.parametrize("write", [as_latex, as_markdown])
def test_rounded_tables_name_the_spread(result, write):
    assert "mean" in write(build_table(result, "results"))
    assert "standard deviation (ddof = 1)" in write(build_table(result, "results"))


def test_the_declaration_decides_what_a_candidate_shows():
    study = declared(space={"optimizer.lr": [0.5, 0.25]})
    rows = [
        row("mlp", "search", i, -1, 0.5, setting={"optimizer.lr": x})
        for i, x in enumerate((0.5, 0.25))
    ]
    assert texts(build_table(StudyResult(study, rows), "candidates"))[:2] == ["mlp", "0.5"]
