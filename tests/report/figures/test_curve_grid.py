"""The curves of each arm by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chainrule.report import (
    curve_grid,
)
from chainrule.study import StudyResult
from tests.report.conftest import (
    final_rows,
    without_search,
)
from tests.report.figures.readback import legend_names

ARMS = ["mlp", "mlp-sharing", "conv", "conv-sharing"]


def test_a_panel_an_arm_with_loss_above_and_metric_below(result):
    figure, grid = curve_grid(result)
    assert grid.shape == (4, 2)
    assert [axes.get_title() for axes in grid[:, 0]] == ARMS
    assert len(grid[0, 0].lines) == 2
    assert legend_names(figure) == ["train", "test"]


def test_the_panels_of_a_kind_share_their_scale(result):
    _, grid = curve_grid(result)
    assert len({axes.get_ylim() for axes in grid[:, 1]}) == 1
    assert grid[0, 0].get_ylim() != grid[0, 1].get_ylim()


def test_without_curves_there_is_no_grid():
    study = without_search()
    rows = [replace(r, curves={}) for r in final_rows(study, 2)]
    with pytest.raises(ValueError, match="no curves"):
        curve_grid(StudyResult(study, rows))
