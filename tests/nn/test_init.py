"""Initializations against torch.nn.init: the same bounds and spreads, mostly the same numbers."""

from __future__ import annotations

from math import sqrt

import pytest
import torch
from torch import nn as tnn
from torch.nn import init as tinit

from chainrule import nn
from chainrule.nn import Parameter, init

GAINS = ["linear", "sigmoid", "tanh", "relu", "selu", "leaky_relu"]
SHAPES = [(30, 20), (20, 30), (8, 4, 3, 3)]

TWINS = [
    (init.Constant(0.3), lambda w: tinit.constant_(w, 0.3)),
    (init.Zeros(), tinit.zeros_),
    (init.Normal(), tinit.normal_),
    (init.Normal(2.0, 0.1), lambda w: tinit.normal_(w, 2.0, 0.1)),
    (init.Uniform(), tinit.uniform_),
    (init.Uniform(-3.0, -1.0), lambda w: tinit.uniform_(w, -3.0, -1.0)),
    (init.FanInUniform(), lambda w: tinit.kaiming_uniform_(w, a=sqrt(5))),
    (init.XavierUniform(), tinit.xavier_uniform_),
    (init.XavierUniform(5 / 3), lambda w: tinit.xavier_uniform_(w, 5 / 3)),
    (init.XavierNormal(), tinit.xavier_normal_),
    (init.XavierNormal(2.0), lambda w: tinit.xavier_normal_(w, 2.0)),
    (init.HeUniform(), lambda w: tinit.kaiming_uniform_(w, nonlinearity="relu")),
    (init.HeUniform("leaky_relu", 0.2), lambda w: tinit.kaiming_uniform_(w, a=0.2)),
    (init.HeNormal(), lambda w: tinit.kaiming_normal_(w, nonlinearity="relu")),
    (init.HeNormal("tanh"), lambda w: tinit.kaiming_normal_(w, nonlinearity="tanh")),
    (init.Orthogonal(), tinit.orthogonal_),
    (init.Orthogonal(2.0), lambda w: tinit.orthogonal_(w, 2.0)),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("initializer", "twin"), TWINS, ids=[str(i) for i, _ in TWINS])
def test_it_draws_what_torch_draws(initializer, twin, shape):
    torch.manual_seed(3)
    drawn = initializer(shape)
    torch.manual_seed(3)
    torch.testing.assert_close(drawn, twin(torch.empty(shape)), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("initializer", "twin"), TWINS, ids=[str(i) for i, _ in TWINS])
def test_a_generator_gives_the_same_numbers_and_leaves_torchs_alone(initializer, twin):
    state = torch.get_rng_state()
    one, two = (initializer((5, 4), torch.Generator().manual_seed(9)) for _ in range(2))
    assert torch.equal(one, two)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("initializer", "bound"),
    [
        (init.FanInUniform(), 1 / sqrt(200)),
        (init.FanInUniform(50), 1 / sqrt(50)),
        (init.XavierUniform(2.0), 2 * sqrt(6 / 500)),
        (init.HeUniform(), sqrt(6 / 200)),
    ],
    ids=str,
)
def test_uniform_fills_its_bounds(initializer, bound):
    w = initializer((300, 200))
    assert 0.999 * bound < w.abs().max() <= bound
    assert abs(float(w.mean())) < 0.01 * bound
    assert float(w.std()) == pytest.approx(bound / sqrt(3), rel=0.01)


@pytest.mark.parametrize(
    ("initializer", "std"),
    [
        (init.Normal(0.0, 0.3), 0.3),
        (init.XavierNormal(), sqrt(2 / 500)),
        (init.HeNormal(), sqrt(2 / 200)),
        (init.HeNormal("linear"), sqrt(1 / 200)),
    ],
    ids=str,
)
def test_normal_has_its_spread(initializer, std):
    w = initializer((300, 200))
    assert float(w.std()) == pytest.approx(std, rel=0.01)
    assert abs(float(w.mean())) < 0.02 * std


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_orthogonal_rows_or_columns(shape):
    w = init.Orthogonal(3.0)(shape).flatten(1).double() / 3
    short = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    torch.testing.assert_close(short, torch.eye(len(short)).double(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("bias", [True, False])
def test_a_linear_layer_starts_as_torchs(bias):
    torch.manual_seed(5)
    layer = nn.Linear(7, 4, bias=bias)
    torch.manual_seed(5)
    twin = tnn.Linear(7, 4, bias=bias).state_dict()
    for name, tensor in layer.state_dict().items():
        assert torch.equal(tensor, twin[name])


@pytest.mark.parametrize("name", GAINS)
def test_gains(name):
    assert init.calculate_gain(name) == pytest.approx(tinit.calculate_gain(name), rel=1e-15)
    slope = init.calculate_gain("leaky_relu", 0.3)
    assert slope == pytest.approx(tinit.calculate_gain("leaky_relu", 0.3), rel=1e-15)


def test_a_gain_that_is_not_in_the_table():
    with pytest.raises(ValueError, match="no gain for 'swish'; known: linear, sigmoid, tanh"):
        init.calculate_gain("swish")


def test_fans_need_two_dimensions():
    with pytest.raises(ValueError, match=r"2 or more dimensions, got \(3,\)"):
        init.XavierNormal()((3,))


def test_fans_of_a_convolution():
    assert init.fans((8, 4, 3, 5)) == (60, 120)


def test_a_cohort_draws_each_replica_from_its_own_generator():
    p = Parameter(torch.zeros(2, 4, 3), init.HeNormal())
    p.redraw(*(torch.Generator().manual_seed(s) for s in (1, 2)), replicas=2)
    for row, seed in zip(p.data, (1, 2), strict=True):
        assert torch.equal(row, init.HeNormal()((4, 3), torch.Generator().manual_seed(seed)))
