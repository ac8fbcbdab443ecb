"""f and f′ of activations, filters as images, how weights are spread."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from chainrule import nn
from chainrule.report import activations, filters, weights
from chainrule.report.figure_data import activations_data, filters_data, weights_data


def test_f_and_its_slope_are_those_of_the_layer():
    data = activations_data(["Tanh", nn.LeakyReLU(0.3)], -2, 2)
    assert [*data.values] == ["Tanh", "LeakyReLU(negative_slope=0.3)"]
    np.testing.assert_allclose(data.values["Tanh"], np.tanh(data.x))
    np.testing.assert_allclose(data.slopes["Tanh"], 1 - np.tanh(data.x) ** 2)
    assert set(data.slopes["LeakyReLU(negative_slope=0.3)"][data.x != 0]) == {0.3, 1.0}


def test_a_layer_that_is_given_stays_as_it_is():
    layer = nn.PReLU().train()
    activations_data([layer])
    assert layer.training
    assert layer.weight.data.dtype == torch.float32


def test_both_panels_have_a_line_an_activation():
    figure, panels = activations()
    assert [len(axes.lines) for axes in panels] == [9, 9]
    assert len(figure.legends[0].get_texts()) == 9


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["Tanhh"], "no activation 'Tanhh'"),
        (["MSELoss"], "no activation 'MSELoss'"),
        (["Threshold"], "Threshold: .*give the layer itself"),
        ([nn.Flatten(0)], "Flatten.*expected each number's function of it, not of several"),
        (["Softmax"], "Softmax: expected each number's function of it"),
        ([nn.GLU()], "GLU"),
    ],
)
def test_what_is_no_activation_is_told(given, message):
    with pytest.raises(ValueError, match=message):
        activations_data(given)


def test_ends_the_wrong_way_round_are_told():
    with pytest.raises(ValueError, match="expected low < high, got 3 and 1"):
        activations(low=3, high=1)


def conv_net(channels):
    net = nn.Sequential(nn.Conv2d(channels, 5, 3), nn.ReLU(), nn.Conv2d(5, 2, 3))
    return net.initialize(0)


def test_each_channel_of_a_filter_is_an_image():
    net = conv_net(2)
    figure, grid = filters(net)
    shown = [axes.images[0].get_array() for axes in grid.flat if axes.images]
    assert len(shown) == 10
    np.testing.assert_allclose(shown[3], net[0].weight.data[1, 1].numpy(), rtol=1e-6)
    assert figure.get_suptitle().startswith("0.weight, ±")
    assert filters_data(net, "2.weight").name == "2.weight"


def test_filters_of_three_channels_are_pictures():
    data = filters_data(conv_net(3))
    assert len(data.filters) == 5
    assert data.filters[0].shape == (3, 3, 3)
    assert 0 <= np.min(data.filters) < np.max(data.filters) <= 1


def test_what_has_no_filters_is_told():
    with pytest.raises(ValueError, match=r"filters: did you mean '0\.weight'"):
        filters(conv_net(2), "0.weigth")
    with pytest.raises(ValueError, match="weights with a window: none"):
        filters(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="expected a plain net"):
        filters(conv_net(2).replicate(2))


def test_numbers_are_counted_by_parameter_and_label():
    before, after = conv_net(2), conv_net(2)
    after[0].weight.data.mul_(2)
    data = weights_data({"epoch 0": before, "epoch 9": after})
    assert [*data.shares] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    for shares in data.shares.values():
        for of in shares.values():
            assert of.sum() == pytest.approx(1)
    assert data.edges["0.weight"][-1] == pytest.approx(after[0].weight.data.max().item())
    figure, grid = weights({"epoch 0": before, "epoch 9": after})
    assert [axes.get_title() for axes in grid.flat[:4]] == [*data.shares]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["epoch 0", "epoch 9"]


def test_nets_of_other_parameters_are_refused():
    with pytest.raises(ValueError, match="nets with the same parameters"):
        weights({"a": conv_net(2), "b": nn.Linear(2, 2)})
    with pytest.raises(ValueError, match="one at least"):
        weights({})
