"""How numbers are shown."""

from __future__ import annotations

import math

import pytest

from chainrule.report import (
    ReportData,
)
from chainrule.report.numbers import PLAIN, format_decimal, format_p
from chainrule.study import StudyResult
from tests.report.conftest import row, without_search


def test_an_accuracy_is_in_per_cent_and_its_differences_in_points(result):
    unit = ReportData(result).unit
    assert unit.quantity(0.8319) == "83.19 %"
    assert unit.spread(0.8319, 0.0045) == "83.19 ± 0.45"
    assert unit.spread(0.8319, math.nan) == "83.19 ± –"
    assert unit.interval(-0.0012, 0.0252) == "[-0.12, +2.52]"
    assert unit.difference_suffix == " points"


@pytest.mark.parametrize(("std", "shown"), [(0.0123, "0.500"), (1.7, "0.5"), (25.0, "0")])
def test_another_metric_has_its_own_unit_to_two_digits_of_the_spread(std, shown):
    study = without_search(metric="loss", direction="min", failure_value=9.0)
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


def test_nothing_is_minus_zero():
    assert format_decimal(-0.0004, 2) == "0.00"
    assert PLAIN.interval(-0.0, 0.0) == "[+0.0000, +0.0000]"
    assert PLAIN.magnitude(-1e-13) == "0.0000"
