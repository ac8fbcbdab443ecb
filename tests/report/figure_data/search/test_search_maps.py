"""What a search found, as numbers."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.report.figure_data import search_maps_data, validation_against_test_data
from chainrule.study import StudyResult
from tests.report.conftest import declared, row


def test_a_map_has_the_means_at_their_values_in_order(result):
    data = search_maps_data(result, "mlp")
    (found,) = data.maps
    assert (found.y_path, found.y_values) == ("optimizer.lr", [0.001, 0.01, 0.1])
    assert (found.x_path, found.x_values) == ("net.hidden", [50, 200])
    assert np.allclose(found.means, [[0.60, 0.62], [0.64, 0.62], [0.60, 0.58]])
    assert found.chosen == [(1, 0)]
    assert data.limits == pytest.approx((0.58, 0.64))
    assert not data.lines


def test_one_path_is_a_line_in_the_order_of_its_numbers():
    rows = [row("mlp", "search", c, -1, 0.6, setting={"optimizer.lr": 10.0**-c}) for c in range(3)]
    study = declared(space={"optimizer.lr": [1.0, 0.1, 0.01]})
    data = search_maps_data(StudyResult(study, rows), "mlp")
    (line,) = data.lines
    assert [point.position for point in line.points] == pytest.approx([0.01, 0.1, 1.0])
    assert sum(point.chosen for point in line.points) == 1
    assert not data.maps


def test_words_stand_at_their_places():
    words = ("relu", "tanh", "gelu")
    rows = [row("mlp", "search", c, -1, 0.6, setting={"net.act": w}) for c, w in enumerate(words)]
    study = declared(space={"net.act": list(words)})
    (line,) = search_maps_data(StudyResult(study, rows), "mlp").lines
    assert (line.values, line.is_numeric) == (list(words), False)
    assert [point.position for point in line.points] == [0, 1, 2]


def test_validation_is_of_the_chosen_and_test_of_the_rounds(result):
    marks = validation_against_test_data(result).marks
    assert [mark.validation for mark in marks] == pytest.approx([0.64, 0.65, 0.66, 0.67])
    assert [mark.test for mark in marks] == [arm.mean for arm in result.arms]
    assert {mark.searches for mark in marks} == {1}
