"""Box plots by arm."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.collections import PathCollection

from chainrule.report import (
    boxes,
)
from chainrule.study import StudyResult
from tests.report.conftest import (
    diverged,
    final_rows,
    without_search,
)
from tests.report.figures.readback import draw_png, tick_names

ARMS = ["mlp", "mlp-sharing", "conv", "conv-sharing"]


def test_a_box_an_arm_in_the_declared_order(result):
    figure, axes = boxes(result)
    assert tick_names(axes.get_yticklabels()) == ARMS
    assert axes.yaxis_inverted()
    assert draw_png(figure)


def test_a_point_a_round_at_its_value(result):
    _, axes = boxes(result)
    points = next(c for c in axes.collections if c.get_label() == "round")
    x, y = np.asarray(points.get_offsets()).T
    assert sorted(x[y < 1.5]) == sorted(result.arms[0].values)


def test_a_diverged_round_is_a_cross_at_the_edge_and_does_not_squeeze_the_others(result):
    _, axes = boxes(result)
    crosses = next(c for c in axes.collections if c.get_label() == "diverged round")
    assert len(crosses.get_offsets()) == 1
    assert axes.get_xlim()[0] > 0.5


def test_where_many_diverged_the_worst_value_is_on_the_axes():
    study = without_search()
    rows = [diverged(r) if r.round < 4 else r for r in final_rows(study, 8)]
    _, axes = boxes(StudyResult(study, rows))
    assert axes.get_xlim()[0] < 0


def test_the_reported_mean_is_marked_on_its_arm(result):
    _, axes = boxes(result)
    marks = next(c for c in axes.collections if c.get_label() == "reported mean")
    assert marks.get_offsets().tolist() == [[0.71, 1.0]]


def test_seconds_are_amortised(result):
    _, axes = boxes(result, "seconds")
    assert axes.get_xlabel() == "seconds, amortised"
    points = np.asarray(axes.collections[0].get_offsets())
    assert points[:, 0].min() == pytest.approx(4.0 / 8)


def test_another_metric_leaves_out_what_diverged(result):
    _, axes = boxes(result, "loss")
    points = [c for c in axes.collections if isinstance(c, PathCollection)]
    assert sum(len(c.get_offsets()) for c in points) == 4 * 8 - 1


def test_a_metric_that_is_not_there(result):
    with pytest.raises(ValueError, match="no values of 'f1'"):
        boxes(result, "f1")


def test_a_dollar_in_a_name_is_a_dollar():
    study = without_search(factors={}, arms={"a$b$": {}, "c": {}}, baseline="c", reported={})
    found = StudyResult(study, final_rows(study, 3))
    figure, axes = boxes(found)
    assert axes.get_yticklabels()[0].get_text() == r"a\$b\$"
    assert draw_png(figure)


def test_no_names_overlap_with_sixteen_arms():
    levels = [f"architecture-no-{i}" for i in range(8)]
    study = without_search(levels)
    figure, axes = boxes(StudyResult(study, final_rows(study, 3)))
    figure.draw_without_rendering()
    spans = [t.get_window_extent() for t in axes.get_yticklabels()]
    assert len(spans) == 16
    assert not any(a.overlaps(b) for a, b in pairwise(spans))
    assert all(span.x0 >= 0 for span in spans)


def test_an_arm_that_diverged_altogether_does_not_squeeze_the_others(result):
    rows = [diverged(row) if row.arm == "conv" else row for row in result.rows]
    _, axes = boxes(StudyResult(result.study, rows))
    crosses = next(c for c in axes.collections if c.get_label() == "diverged round")
    assert len(crosses.get_offsets()) >= 8
    assert axes.get_xlim()[0] > 0.5
