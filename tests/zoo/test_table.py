"""The nets for tables: their shapes, and that the Gaussian one learns a variance."""

from __future__ import annotations

import pytest
import torch

from chainrule.data import Dataset
from chainrule.nn import GaussianNLLLoss
from chainrule.optim import Adam
from chainrule.train import fit
from chainrule.zoo import gaussian_net, table_net


@pytest.mark.parametrize(("layers", "numbers"), [(0, 10), (1, 221), (2, 641), (5, 1901)])
def test_layers_of_units(layers, numbers):
    net = table_net(layers=layers)
    assert sum(p.data.numel() for p in net.parameters()) == numbers
    assert net(torch.ones(4, 9)).shape == (4, 1)


def test_no_layer_is_linear_regression():
    net = table_net(3, layers=0).initialize(1)
    a, b, zero = (net(x).clone() for x in (torch.eye(3)[:1], torch.eye(3)[1:2], torch.zeros(1, 3)))
    torch.testing.assert_close(net(torch.tensor([[2.0, 3.0, 0.0]])), 2 * a + 3 * b - 4 * zero)


def test_a_mean_and_a_variance_above_0():
    y = gaussian_net(3, 5, activation="Tanh").initialize(2)(torch.randn(40, 3))
    assert {name: t.shape for name, t in y.items()} == {"mean": (40, 1), "var": (40, 1)}
    assert (y["var"] > 0).all()


def test_a_noise_that_depends_on_the_input_is_found():
    draw = torch.Generator().manual_seed(5)
    x = torch.rand(600, 1, generator=draw) * 2 - 1
    spread = torch.where(x > 0, 1.0, 0.1)
    data = Dataset(x, 2 * x + spread * torch.randn(600, 1, generator=draw))
    net = gaussian_net(1, 10, 1, "Tanh").initialize(1)
    fit(net, data, criterion=GaussianNLLLoss(), optimizer=Adam(net, lr=0.03), epochs=60)
    low, high = net(torch.tensor([[-0.5], [0.5]]))["var"].sqrt().flatten().tolist()
    assert low == pytest.approx(0.1, rel=0.4)
    assert high == pytest.approx(1.0, rel=0.4)
