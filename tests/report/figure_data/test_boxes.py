"""The rounds of each arm, as numbers."""

from __future__ import annotations

import pytest

from chainrule.report.figure_data import boxes_data
from chainrule.report.figure_data.boxes import round_rows
from chainrule.report.numbers import PERCENT
from chainrule.study import StudyResult
from tests.report.conftest import diverged, final_rows, without_search


def test_the_data_of_the_boxes_are_all_rounds(result):
    rows = round_rows(result)
    assert len(rows) == 4 * 8
    assert rows[-1]["status"] == "diverged"
    assert rows[-1]["accuracy"] == 0.0


def test_each_arm_has_its_rounds_and_its_reported_mean(result):
    data = boxes_data(result)
    assert [box.arm for box in data.boxes] == [arm.arm for arm in result.arms]
    assert [found.value for found in data.boxes[0].rounds] == list(result.arms[0].values)
    assert [box.reported for box in data.boxes] == [0.71, None, None, None]
    assert (data.label, data.unit) == ("test accuracy", PERCENT)


def test_a_round_that_diverged_stands_at_the_edge_of_the_others(result):
    data = boxes_data(result)
    last, low = data.boxes[-1].rounds[-1], min(v for arm in result.arms[:-1] for v in arm.values)
    assert (last.value, last.diverged) == (0.0, True)
    assert data.limits[0] < last.position < low


def test_where_many_diverged_nothing_is_moved():
    study = without_search()
    rows = [diverged(r) if r.round < 4 else r for r in final_rows(study, 8)]
    data = boxes_data(StudyResult(study, rows))
    assert data.limits is None
    assert all(x.value == x.position for box in data.boxes for x in box.rounds)


def test_seconds_are_divided_by_the_width_of_the_cohort(result):
    data = boxes_data(result, "seconds")
    assert data.label == "seconds, amortised"
    assert data.boxes[0].rounds[1].value == pytest.approx(4.1 / 8)
