"""The networks that read digits, in grey and in colour."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn
from chainrule.nn import CrossEntropyLoss
from chainrule.nn.inspect.gradcheck import check_layers
from chainrule.zoo import color_best, color_loss, color_net, digit_net
from tests.nn.cases import odd


def kinds(net) -> list[str]:
    return [type(layer).__name__ for layer in net]


@pytest.mark.parametrize(
    "arguments",
    [
        {"channels": []},
        {"channels": [3]},
        {"channels": [3, 5], "kernel": 5},
        {"channels": [3, 5], "kernel": 7, "activation": "Tanh"},
        {"channels": [3, 5, 7], "norm": True, "dropout": 0.2},
        {"channels": [2, 2], "pools": 0},
    ],
)
def test_an_image_becomes_ten_numbers(arguments):
    assert nn.output_shape(digit_net(**arguments), (5, 1, 28, 28)) == (5, 10)


def test_without_a_convolution_it_is_softmax_regression():
    net = digit_net([])
    assert kinds(net) == ["Flatten", "Linear", "Identity"]
    assert sum(p.data.numel() for p in net.parameters()) == 784 * 10 + 10


def test_the_layers_of_a_whole_one():
    net = digit_net([3, 5, 7], norm=True, dropout=0.2, output="Softmax", activation="Tanh")
    conv = ["Conv2d", "BatchNorm2d", "MaxPool2d", "Tanh"]
    unpooled = [kind for kind in conv if kind != "MaxPool2d"]
    assert kinds(net) == [*conv, *conv, *unpooled, "Flatten", "Dropout", "Linear", "Softmax"]


@pytest.mark.slow
def test_the_gradients_agree_with_finite_differences():
    for path, report in check_layers(digit_net([2, 3]).initialize(3), odd(2, 1, 28, 28)):
        assert report, f"{path}: {report}"


def test_it_learns_from_a_loss():
    net, loss = digit_net([2, 3]).initialize(1), CrossEntropyLoss()
    value = loss(net(odd(3, 1, 28, 28).float()), torch.tensor([3, 9, 1]))
    net.backward(loss.backward(), input_grad=False)
    assert value.isfinite()
    assert all(p.grad.abs().sum() > 0 for p in net.parameters())


@pytest.mark.parametrize("share", [True, False])
def test_digit_and_colour_are_two_heads(share):
    net = color_net([2, 3, 4], share=share, colors=5)
    assert nn.output_shape(net, (6, 3, 28, 28)) == {"digit": (6, 10), "color": (6, 5)}


def test_smaller_images_too():
    net = color_net([2, 3], size=14)
    assert nn.output_shape(net, (6, 3, 14, 14)) == {"digit": (6, 10), "color": (6, 6)}


def test_shared_layers_are_there_once():
    shared, apart = (
        sum(p.data.numel() for p in color_net(share=share).parameters()) for share in (True, False)
    )
    heads = 9 * 64 * 16 + 16
    assert apart - heads == 2 * (shared - heads)


def test_apart_the_colour_has_no_say_in_the_digits_layers():
    net = color_net([2, 3, 4], share=False, dropout=0.0).initialize(2)
    y = net(odd(4, 3, 28, 28).float())
    net.backward({"digit": torch.zeros_like(y["digit"]), "color": torch.ones_like(y["color"])})
    heads = {name: p.grad.abs().sum() for name, p in net.named_parameters()}
    assert all((g == 0) == ("digit" in name) for name, g in heads.items())


def test_the_loss_is_the_sum_over_both():
    net, loss = color_net([2, 3, 4]).initialize(1).eval(), color_loss()
    y = net(odd(3, 3, 28, 28).float())
    target = {"digit": torch.tensor([3, 9, 1]), "color": torch.tensor([0, 5, 2])}
    each = [CrossEntropyLoss()(y[name], target[name]) for name in target]
    assert torch.allclose(loss(y, target), sum(each))


def test_the_best_reads_a_digit_whatever_its_colour():
    net = color_best(4, colors=5).initialize(1).eval()
    x = torch.rand(3, 1, 28, 28)
    red, yellow = (x * torch.tensor(c).view(3, 1, 1) for c in ((1.0, 0, 0), (1.0, 1, 0)))
    ours, other = net(red), net(yellow)
    assert ours["color"].shape == (3, 5)
    torch.testing.assert_close(ours["digit"], other["digit"])
    assert not torch.allclose(ours["color"], other["color"])
