"""Candidates as lines across the searched paths."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from chainrule.report.figure_data import parallel_coordinates_data
from chainrule.report.figure_data.search import parallel_coordinates as module
from tests.report.conftest import made, without_search


@pytest.fixture(scope="module")
def lines(result):
    return parallel_coordinates_data(result, result.arms[0].arm)


def test_there_is_an_axis_for_each_path_and_the_validation(lines):
    assert [axis.title for axis in lines.axes] == [
        "optimizer.lr",
        "net.hidden",
        "validation accuracy",
    ]


def test_numbers_stand_by_size_on_a_logarithmic_axis_where_they_span_much(lines):
    assert lines.axes[0].ticks == [
        (0.0, "0.001"),
        (pytest.approx(0.5), "0.01"),
        (pytest.approx(1.0), "0.1"),
    ]
    assert lines.axes[1].ticks == [(0.0, "50"), (1.0, "200")]


def test_the_best_candidate_is_the_first_line_and_at_the_top(lines, result):
    best = lines.lines[0]
    assert best.rank == 0
    assert best.places[-1] == 1.0
    assert len(lines.lines) == 6
    assert lines.hidden == 0
    assert "optimizer.lr" in best.setting
    assert best.mean.endswith(" %")


def test_what_is_chosen_is_marked(lines):
    assert any(line.chosen for line in lines.lines)


def test_more_than_the_best_are_counted(result, monkeypatch):
    monkeypatch.setattr(module, "MAX_LINES", 4)
    found = parallel_coordinates_data(result, result.arms[0].arm)
    assert (len(found.lines), found.hidden) == (4, 2)


def test_words_stand_at_even_distances_and_a_missing_path_nowhere(result):
    words = ["relu", "tanh", "sigmoid"]
    rows = [
        replace(row, setting={"net.act": words[row.candidate]} if row.candidate < 3 else {"x": 1})
        for row in result.rows
        if row.stage == "search" and row.candidate < 4
    ]
    found = parallel_coordinates_data(replace(result, rows=rows), result.study.all_arms[0].name)
    act = [axis.title for axis in found.axes].index("net.act")
    assert [text for _, text in found.axes[act].ticks] == words
    assert [where for where, _ in found.axes[act].ticks] == pytest.approx([1 / 6, 1 / 2, 5 / 6])
    assert None in [line.places[act] for line in found.lines]


def test_without_a_search_it_says_so():
    result = made(without_search(), search=False)
    with pytest.raises(ValueError, match="no search has tried two settings"):
        parallel_coordinates_data(result, result.arms[0].arm)


def test_what_is_not_finite_is_no_line(result):
    rows = [
        replace(row, status="done", metrics={"accuracy": math.inf}) if row.candidate == 1 else row
        for row in result.rows
    ]
    found = parallel_coordinates_data(replace(result, rows=rows), result.arms[0].arm)
    assert found.hidden + len(found.lines) == 6
