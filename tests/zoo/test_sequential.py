"""A chain of layers that is written as data."""

from __future__ import annotations

import pytest

from chainrule import nn, zoo


def test_the_sizes_of_what_comes_in_follow_from_what_stands_before():
    net = zoo.sequential_net([["Linear", 7], "BatchNorm1d", "ReLU", ["Dropout", 0.2]], 3, 5)
    assert str(net) == str(
        nn.Sequential(
            nn.Linear(3, 7, bias=False),
            nn.BatchNorm1d(7),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(7, 5),
        )
    )


@pytest.mark.parametrize(
    ("layers", "inputs", "biases"),
    [
        ([["Linear", 4], "BatchNorm1d"], 2, [False, True]),
        ([["Linear", 4], ["Linear", 3], "BatchNorm1d"], 2, [False, False, True]),
        ([["Linear", 4, True], "BatchNorm1d"], 2, [True, True]),
        ([["Linear", 4], "ReLU", "BatchNorm1d"], 2, [True, True]),
        ([["Linear", 4], ["Dropout", 0.1], "BatchNorm1d"], 2, [True, True]),
        ([["Conv2d", 3, 3], ["MaxPool2d", 2], "BatchNorm2d"], [1, 8, 8], [False, True]),
        ([["Conv2d", 3, 3], ["AvgPool2d", 2], "Flatten", "BatchNorm1d"], [1, 8, 8], [False, True]),
        ([["Conv2d", 3, 3, 1, 1, 1, 1, True], "BatchNorm2d"], [1, 8, 8], [True, True]),
    ],
)
def test_a_bias_that_a_norm_takes_away_is_left_out_unless_it_is_asked_for(layers, inputs, biases):
    net = zoo.sequential_net(layers, inputs)
    learned = [layer for layer in net if isinstance(layer, nn.Linear | nn.Conv2d)]
    assert [layer.bias is not None for layer in learned] == biases


def test_images_become_rows_before_a_linear_layer():
    net = zoo.sequential_net([["Conv2d", 3, 5], "Tanh", ["MaxPool2d", 2]], [1, 14, 14], 10)
    assert [type(layer).__name__ for layer in net] == [
        *("Conv2d", "Tanh", "MaxPool2d", "Flatten", "Linear")
    ]
    assert nn.output_shape(net, (4, 1, 14, 14)) == (4, 10)


def test_without_layers_it_is_linear():
    assert str(zoo.sequential_net([])) == str(nn.Sequential(nn.Linear(2, 2)))


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([["Linear", 3], "Relu"], "number 2, Relu: no such layer; did you mean 'ReLU'"),
        ([["Conv2d", 3, 3]], "number 1, Conv2d: .*expected input"),
        ([["Dropout", 2]], "number 1, Dropout: p is a probability"),
        (["Conv2d"], "number 1, Conv2d: it takes out_channels, "),
        ([3], "number 1: expected a name, or a list of a name and its arguments, got 3"),
        ([[]], "number 1: expected a name"),
        (["ReLU"] * 101, "at most 100, got 101"),
    ],
)
def test_a_layer_that_does_not_fit_is_said_with_its_number(layers, message):
    with pytest.raises(ValueError, match=message):
        zoo.sequential_net(layers)


@pytest.mark.parametrize("layers", [3, "ReLU", nn.ReLU()])
def test_layers_that_are_no_list_are_told(layers):
    with pytest.raises(TypeError, match="sequential_net: layers: expected a list, got"):
        zoo.sequential_net(layers)
