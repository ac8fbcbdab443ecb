"""Differences and effects with their intervals."""

from __future__ import annotations

import math

import pytest
from matplotlib.figure import Figure

from chainrule.report import (
    differences,
    draw_forest_plot,
    effect_sizes,
)
from chainrule.report.figure_data import ForestPlotData
from chainrule.report.figure_data.forest_plots import ForestLine
from chainrule.report.numbers import PLAIN
from tests.report.figures.readback import tick_names

ARMS = ["mlp", "mlp-sharing", "conv", "conv-sharing"]


def test_a_difference_has_both_its_intervals_in_points(result):
    found = result.compare()
    _, axes = differences(result, found)
    c = found.comparisons[0]
    ends = [(c.simultaneous_low, c.simultaneous_high), (c.test.low, c.test.high)]
    for line, (low, high) in zip(axes.lines, ends, strict=False):
        assert line.get_xdata() == pytest.approx([100 * low, 100 * high])
    assert axes.lines[0].get_linewidth() < axes.lines[1].get_linewidth()
    assert tick_names(axes.get_yticklabels()) == ARMS[1:]


def test_what_holm_does_not_reject_is_hollow(result):
    found = result.compare()
    _, axes = differences(result, found)
    faces = [line.get_markerfacecolor() for line in axes.lines[2:-1:3]]
    hollow = [face == "white" for face in faces]
    assert hollow == [c.p_holm >= 0.05 for c in found.comparisons]
    assert any(hollow)
    assert not all(hollow)


def test_all_pairs_are_named(result):
    _, axes = differences(result, result.compare(all_pairs=True))
    assert tick_names(axes.get_yticklabels())[0] == "mlp − mlp-sharing"


def test_every_effect_has_a_line(result):
    _, axes = effect_sizes(result)
    assert tick_names(axes.get_yticklabels())[1] == "sharing: yes - no"


def test_an_interval_without_ends_goes_from_edge_to_edge():
    ends = -math.inf, math.inf
    line = ForestLine("a", ends[0], 0.0, ends[1], 1.0, False, *ends)
    axes = Figure().subplots()
    draw_forest_plot(ForestPlotData("difference", PLAIN, [line]), axes)
    *intervals, mark = axes.lines[:3]
    for interval in intervals:
        assert list(interval.get_xdata()) == [0, 1]
        assert interval.get_transform() == axes.get_yaxis_transform()
    assert list(mark.get_xdata()) == [0]
