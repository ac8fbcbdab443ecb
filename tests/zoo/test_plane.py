"""The nets for points in the plane, and losses by name."""

from __future__ import annotations

import pytest

from chainrule import nn, zoo


def kinds(net: nn.Module) -> list[str]:
    return [type(module).__name__ for module in net.children()]


def test_the_nets_of_the_framework_reports():
    assert str(zoo.plane_net(output="Tanh")) == str(zoo.disk_net())


def test_a_hidden_layer_may_have_a_norm_before_and_dropout_after_its_activation():
    net = zoo.plane_net(5, 1, "Tanh", norm=True, dropout=0.2)
    assert kinds(net) == ["Linear", "BatchNorm1d", "Tanh", "Dropout", "Linear", "Identity"]
    assert net[3].p == 0.2


def test_without_hidden_layers_it_is_a_linear_classifier():
    assert kinds(zoo.plane_net(layers=0)) == ["Linear", "Identity"]
    assert nn.output_shape(zoo.plane_net(layers=0), (4, 2)) == (4, 2)


@pytest.mark.parametrize(("name", "low"), [("MSELoss", -1.0), ("BCELoss", 0.0)])
def test_a_loss_of_classes_by_name(name, low):
    loss = zoo.class_loss(name, low)
    assert type(loss.loss).__name__ == name
    assert (loss.low, loss.high) == (low, 1.0)
