"""Tables as text: what readers see, and the full numbers."""

from __future__ import annotations

import csv
import io
import json

import pytest

from chainrule.report import (
    Cell,
    Column,
    Table,
    as_csv,
    as_json,
    as_latex,
    as_markdown,
    build_table,
)

WHAT = ["results", "comparisons", "effects", "candidates"]


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
