"""Convolutions by tiles of all sizes: the numbers of the layers, and which tiles are taken."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn, optim
from chainrule.compiled.lowering.layers import conv
from chainrule.train import Trainer
from tests.compiled.agreement import N, assert_equal, make_data, sgd

TILES = [(R, M) for (R, _), tiles in conv.WINOGRAD_TILES.items() for M in tiles]


@pytest.fixture(params=TILES, ids=lambda tile: "windows of {}, tiles of {}".format(*tile))
def window(request, monkeypatch):
    """R, where windows of R x R are done in tiles of one size, be it worth it or not."""
    R, M = request.param
    monkeypatch.setattr(conv, "WINOGRAD_TILES", {(R, R): (M,)})
    monkeypatch.setattr(conv, "WINOGRAD_CHANNELS", 1)
    monkeypatch.setattr(conv, "WINOGRAD_ADDITIONS", -1e9)
    return R


def behind(layers, shape):
    body = nn.Sequential(*layers, nn.Flatten())
    features = body(torch.zeros(1, *shape)).shape[1]
    return nn.Sequential(*body, nn.Linear(features, 4))


@pytest.mark.parametrize("shape", [(2, 8, 7), (2, 9, 12), (2, 5, 6)])
def test_images_of_any_size(window, shape):
    layers = (nn.Conv2d(2, 5, window), nn.Tanh(), nn.Conv2d(5, 3, window))
    assert_equal(behind(layers, shape), nn.MSELoss(), sgd, shape, 4)


def test_margins_groups_and_no_bias(window):
    layers = (
        nn.Conv2d(2, 6, window, padding=(0, 1), bias=False),
        nn.Tanh(),
        nn.Conv2d(6, 4, window, padding=1, groups=2),
    )
    assert_equal(behind(layers, (2, 8, 7)), nn.MSELoss(), sgd, (2, 8, 7), 4)


def test_strides_and_dilations_go_as_they_are(window):
    layers = (nn.Conv2d(2, 5, window, stride=(2, 1)), nn.Conv2d(5, 3, window, dilation=(1, 2)))
    assert_equal(behind(layers, (2, 9, 8)), nn.MSELoss(), sgd, (2, 9, 8), 4)


def step(net, train, dtype, *, compiled):
    """What a step moves the parameters by, in float64."""
    net = net.replicate(1, [3]).to(dtype)
    optimizer = optim.SGD(net, lr=2.0**10)
    each = Trainer(net, nn.MSELoss(), optimizer, batch_size=N, compile=compiled)
    before = optimizer.flats[0].data.to(torch.float64, copy=True)
    each.fit(train, epochs=1, progress=False)
    return (before - optimizer.flats[0].data.double()) / 2.0**10


def test_float32_loses_little_more_than_the_layers_do(window):
    shape = (8, 10, 10)
    net = behind((nn.Conv2d(8, 16, window), nn.Conv2d(16, 8, window)), shape)
    single, double = (make_data(shape, 4, t, replicas=1) for t in (torch.float32, torch.float64))
    exact = step(net, double, torch.float64, compiled=False)
    off, plain = (
        (step(net, single, torch.float32, compiled=each) - exact).norm() for each in (True, False)
    )
    assert 0 < off < 3 * plain


@pytest.mark.parametrize(
    ("kernel", "sizes", "tile"),
    [
        ((3, 3), (16, 32, 8, 8), 4),
        ((3, 3), (32, 32, 10, 10), 5),
        ((3, 3), (32, 32, 12, 12), 4),
        ((3, 3), (32, 64, 6, 6), 3),
        ((3, 3), (32, 64, 2, 2), 2),
        ((3, 3), (32, 64, 1, 1), 0),
        ((2, 2), (32, 32, 12, 12), 3),
        ((2, 2), (64, 128, 2, 2), 2),
        ((2, 2), (4, 8, 12, 12), 0),
        ((5, 5), (32, 32, 12, 12), 0),
    ],
)
def test_tiles_are_those_of_the_fewest_products(kernel, sizes, tile):
    assert conv.select_tile(kernel, sizes, False, 64) == (tile, False)
    narrow = 4 if tile == 5 else tile  # with vectors of 256 bits they lose too much
    assert conv.select_tile(kernel, sizes, False, 32) == (narrow, False)


@pytest.mark.parametrize(
    ("kernel", "sizes", "chosen"),
    [
        ((3, 3), (32, 64, 6, 6), (2, True)),  # 144 products that are rounded for 100 that are not
        ((3, 3), (16, 32, 8, 8), (4, False)),  # 256 for 144
        ((2, 2), (64, 128, 2, 2), (2, True)),
        ((2, 2), (32, 32, 12, 12), (3, True)),
        ((3, 3), (16, 32, 1, 1), (0, False)),
    ],
)
def test_bfloat16_has_small_tiles_or_larger_ones_of_float32_take_less(kernel, sizes, chosen):
    assert conv.select_tile(kernel, sizes, True, 64) == chosen
