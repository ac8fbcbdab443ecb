"""What a net learned, over the plane."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from chainrule import nn
from chainrule.data import Dataset, disk, one_hot
from chainrule.report import plane
from chainrule.zoo import disk_net


def labels(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def points() -> Dataset:
    drawn = disk(50)
    return Dataset(drawn.inputs, one_hot(drawn.targets, 2))


def test_the_plane_is_a_figure_and_its_axes():
    figure, axes = plane(disk_net(5), points(), points=20)
    assert isinstance(figure, Figure)
    assert isinstance(axes, Axes)
    assert axes in figure.axes


def test_the_plane_shows_output_1_minus_output_0():
    net = nn.Linear(2, 2)
    net.weight.data.copy_(torch.tensor([[0.0, 0.0], [1.0, 0.0]]))  # output 1 is x₁
    net.bias.data.zero_()
    _, axes = plane(net, points=5)
    (image,) = axes.images
    assert np.allclose(image.get_array(), np.linspace(0, 1, 5)[None, :].repeat(5, 0))


def test_the_second_coordinate_goes_up():
    net = nn.Linear(2, 1)
    net.weight.data.copy_(torch.tensor([[0.0, 1.0]]))
    net.bias.data.zero_()
    _, axes = plane(net, points=5)
    assert np.allclose(axes.images[0].get_array()[:, 0], np.linspace(0, 1, 5))
    assert axes.images[0].origin == "lower"


@pytest.mark.parametrize("training", [True, False])
def test_the_plane_leaves_the_mode(training):
    net = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 2))
    net.train(training)
    before = [t.clone() for t in net.state_dict().values()]
    plane(net, points(), points=10)
    assert {module.training for module in net.modules()} == {training}
    assert all(torch.equal(s, t) for s, t in zip(before, net.state_dict().values(), strict=True))


def test_the_plane_leaves_a_layer_that_was_frozen():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    net[1].eval()
    plane(net, points=5)
    assert not net[1].training


def scatters(axes: Axes) -> list[int]:
    return [len(c.get_offsets()) for c in axes.collections if isinstance(c, PathCollection)]


@pytest.mark.parametrize("targets", ["indices", "one-hot"])
def test_the_classes_are_shown_apart(targets):
    drawn = disk(50)
    _, axes = plane(disk_net(5), drawn if targets == "indices" else points(), points=10)
    inside = int(drawn.targets.sum())
    assert scatters(axes) == [50 - inside, inside]
    assert labels(axes) == ["class 0", "class 1"]


def test_targets_of_one_column_are_classes_too():
    inputs = torch.rand(20, 2)
    data = Dataset(inputs, torch.tensor([[1.0]] * 5 + [[0.0]] * 15))
    _, axes = plane(nn.Linear(2, 1), data, points=5)
    assert scatters(axes) == [15, 5]


def test_without_data_there_are_no_points():
    _, axes = plane(disk_net(5), points=10)
    assert scatters(axes) == []
    assert axes.get_legend() is None


def test_targets_by_name_are_not_drawn():
    data = Dataset(torch.rand(9, 2), {"main": torch.zeros(9)})
    assert scatters(plane(disk_net(5), data, points=10)[1]) == []


def test_the_picture_spans_the_data():
    _, axes = plane(disk_net(5), Dataset(torch.tensor([[-2.0, 0.0], [1.0, 3.0]]), torch.zeros(2)))
    assert axes.images[0].get_extent() == [-2, 3, -2, 3]


def test_a_net_that_learned_nothing_can_be_shown():
    net = nn.Linear(2, 1)
    for parameter in net.parameters():
        parameter.data.zero_()
    assert plane(net, points=5)[1].images[0].get_clim() == (-1, 1)
