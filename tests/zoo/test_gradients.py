"""Every parameter of every net of the zoo has a gradient, whatever the net's options are."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
import torch
from torch import Tensor

from chainrule import nn, zoo
from tests.zoo.gradients import find_useless_parameters

FLAGS = (False, True)


def nets() -> Iterator[tuple[str, partial[nn.Module]]]:
    """(name, constructor) of each net with the options that change which layers it has."""
    for norm in FLAGS:
        for dropout in (0.0, 0.3):
            options = {"norm": norm, "dropout": dropout}
            for layers in (0, 1, 3):
                yield "plane", partial(zoo.plane_net, 8, layers, **options)
            for activation in ("Tanh", "Sigmoid", "LeakyReLU", "ELU", "PReLU"):
                yield "plane", partial(zoo.plane_net, 8, 2, activation, **options)
            yield "plane", partial(zoo.plane_net, 8, 2, output="Softmax", **options)
            for pools in (0, 2):
                yield "digit", partial(zoo.digit_net, (4, 6), pools=pools, **options)
            for share in FLAGS:
                yield "color", partial(zoo.color_net, (4, 6), share=share, **options)
    yield "plane", zoo.disk_net
    yield "digit", partial(zoo.digit_net, ())
    yield "color", partial(zoo.color_best, 4)
    yield "pair", partial(zoo.pair_best, 4)
    for share in FLAGS:
        for aux in FLAGS:
            for build in PAIRS:
                yield "pair", partial(build, 8, share=share, aux=aux)
    yield "table", partial(zoo.table_net, 9, 8)
    yield "gaussian", partial(zoo.gaussian_net, 9, 8)
    yield "plane", partial(zoo.sequential_net, [["Linear", 8], "Tanh", ["Linear", 8], "ReLU"])
    normed = [
        ["Linear", 8],
        ["Linear", 8],
        "BatchNorm1d",
        "Tanh",
        ["Linear", 8, False],
        "LayerNorm",
    ]
    yield "plane", partial(zoo.sequential_net, normed)
    normed = [["Conv2d", 3, 5], ["AvgPool2d", 2], "BatchNorm2d", "Tanh", ["Conv2d", 3, 3]]
    yield "digit", partial(zoo.sequential_net, [*normed, "Flatten", "BatchNorm1d"], (1, 28, 28), 10)
    for up in ("upsample", "transpose", "none"):
        yield "image", partial(zoo.denoise_net, up, 2)
    for reader in ("RNN", "LSTM", "GRU", "attention"):
        yield "sequence", partial(zoo.sequence_net, reader, hidden=4)
    yield "modular", partial(zoo.modular_net, 5, 4, 8)


PAIRS = (
    zoo.pair_shallow,
    zoo.pair_mlp,
    zoo.pair_conv1,
    zoo.pair_conv2,
    zoo.pair_fnn,
    zoo.pair_cnn,
)
NETS = list(nets())


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def classes(L: int, n: int = 30) -> Tensor:
    return torch.arange(n) % L


PROBLEMS = {
    "plane": (draw(30, 2), nn.CrossEntropyLoss(), classes(2)),
    "digit": (draw(30, 1, 28, 28), nn.CrossEntropyLoss(), classes(10)),
    "color": (draw(30, 3, 28, 28), zoo.color_loss(), {"digit": classes(10), "color": classes(6)}),
    "pair": (
        draw(30, 2, 14, 14),
        zoo.pair_loss(0.5),
        {"main": classes(2), "first": classes(10), "second": classes(7)},
    ),
    "table": (draw(30, 9), nn.MSELoss(), draw(30, 1)),
    "gaussian": (draw(30, 9), nn.GaussianNLLLoss(), draw(30, 1)),
    "image": (draw(30, 1, 8, 8), nn.MSELoss(), draw(30, 1, 8, 8)),
    "sequence": (draw(30, 7, 2), nn.MSELoss(), draw(30, 1)),
    "modular": (torch.stack([classes(5), classes(3)], 1), nn.CrossEntropyLoss(), classes(5)),
}


def test_no_net_of_the_zoo_is_left_out():
    tried = {getattr(build, "func", build).__name__ for _, build in NETS}
    assert tried == {name for name in zoo.__all__ if not name.endswith("_loss")} - {"pair_net"}


@pytest.mark.parametrize(("problem", "build"), NETS, ids=[str(i) for i in range(len(NETS))])
def test_every_parameter_has_a_gradient(problem, build):
    net = build()
    x, criterion, target = PROBLEMS[problem]
    if problem == "pair" and build.func is not zoo.pair_best and not build.keywords["aux"]:
        criterion = zoo.pair_loss()
    assert not find_useless_parameters(net, x, criterion, target), build


def test_a_bias_before_batch_normalization_is_found():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 2))
    assert find_useless_parameters(net, *PROBLEMS["plane"]) == ["0.bias"]
