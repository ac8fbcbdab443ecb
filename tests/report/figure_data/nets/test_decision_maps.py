"""What saved nets say over the plane, as numbers."""

from __future__ import annotations

import pytest

from chainrule.report.figure_data import plane_outputs_data, plane_predictions_data
from chainrule.study import run
from tests.study.small import small


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A result and the folder of its nets."""
    folder = tmp_path_factory.mktemp("nets")
    return run(small(arms={"narrow": {}, "wide": {"net": {"hidden": 7}}}), nets=folder), folder


def test_the_accuracy_is_that_of_the_table(saved):
    result, folder = saved
    panels = plane_predictions_data(result, folder).panels
    assert [panel.accuracy for panel in panels] == pytest.approx([arm.mean for arm in result.arms])
    assert sum(len(found.points) for found in panels[0].classes) == 3 * 30


def test_a_map_a_round_and_of_one_arm_a_panel_a_round(saved):
    result, folder = saved
    both = plane_outputs_data(result, folder, points=4)
    assert [panel.maps.shape for panel in both.panels] == [(3, 4, 4), (3, 4, 4)]
    one = plane_outputs_data(result, folder, "wide", points=4)
    assert [panel.title for panel in one.panels] == ["round 0", "round 1", "round 2"]
    assert (one.panels[1].maps[0] == both.panels[1].maps[1]).all()
