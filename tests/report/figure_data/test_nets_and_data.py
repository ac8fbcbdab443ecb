"""What figures of nets and of data show, as numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from chainrule import nn
from chainrule.data import Dataset, bullseye, digit_pairs
from chainrule.report.figure_data import (
    calibration_data,
    critical_differences_data,
    layers_data,
    plane_data,
    samples_data,
)
from chainrule.statistics import rank_arms
from chainrule.train import layer_stats
from tests.report.tables.test_metric import covering


def test_coverage_is_the_mean_over_the_rounds_at_each_level():
    (line,) = calibration_data(covering()).lines
    assert (line.arm, line.levels) == ("mlp", [0.5, 0.95])
    assert line.means == pytest.approx([0.4, 0.9])
    assert line.stds == pytest.approx([0.01, 0.01])


def test_a_bar_spans_the_ranks_of_its_clique():
    scores = {"a": [0.9] * 9, "b": [0.5, 0.6] * 4 + [0.6], "c": [0.6, 0.5] * 4 + [0.5]}
    data = critical_differences_data(rank_arms(scores))
    assert data.arms[0] == "a"
    assert list(data.bars) == [(data.mean_ranks[1], data.mean_ranks[2])]


def test_a_layer_without_a_number_has_nan():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    data = layers_data({"a": layer_stats(net.initialize(0), torch.ones(3, 2))})
    assert data.layers == ["0 Linear", "1 ReLU"]
    spread, _, _, weights = (panel.values["a"] for panel in data.panels)
    assert [math.isnan(x) for x in spread] == [True, False]
    assert [math.isnan(x) for x in weights] == [False, True]


def test_a_plane_has_the_scores_with_the_second_coordinate_first():
    net = nn.Linear(2, 1)
    net.weight.data.copy_(torch.tensor([[0.0, 1.0]]))
    net.bias.data.zero_()
    data = plane_data(net, points=3)
    assert data.scores.tolist() == [[0, 0, 0], [0.5, 0.5, 0.5], [1, 1, 1]]
    assert (data.low, data.high, data.quantity, data.classes) == (0, 1, "output", [])


def test_points_are_grouped_by_class():
    data = bullseye(50, seed=1)
    found = samples_data(data).classes
    assert [group.label for group in found] == [0, 1]
    assert np.array_equal(found[1].points, data.inputs[data.targets == 1])


def test_images_run_from_nought_to_one_and_pairs_stand_side_by_side():
    data = samples_data(digit_pairs(3))
    assert data.pairs
    assert [image.shape for image in data.images] == [(14, 29)] * 3
    assert min(image.min() for image in data.images) == 0


def test_columns_are_those_of_the_table_and_its_target():
    columns = samples_data(Dataset(torch.rand(30, 2), torch.rand(30, 1))).columns
    assert [(c.name, c.is_target, len(c.values)) for c in columns] == [
        ("x1", False, 30),
        ("x2", False, 30),
        ("target", True, 30),
    ]
