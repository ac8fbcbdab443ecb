"""Small nets of every kind are trained on the compiled path as on the plain one."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from chainrule import nn, optim
from chainrule.data import Dataset
from chainrule.nn import LayerError
from chainrule.train import BackendStatus, Compiled, Trainer

OPTIMIZERS: list[Callable[[nn.Module], optim.Optimizer]] = [
    lambda net: optim.SGD(net, lr=0.01),
    lambda net: optim.SGD(net, lr=0.01, momentum=0.9, nesterov=True, weight_decay=1e-3),
    lambda net: optim.SGD(net, lr=0.01, momentum=0.8, dampening=0.3),
    lambda net: optim.Adam(net, lr=0.01, eps=1e-3),
    lambda net: optim.Adam(net, lr=0.01, amsgrad=True, weight_decay=1e-2, eps=1e-3),
    lambda net: optim.AdamW(net, lr=0.01, eps=1e-3),
    lambda net: optim.RMSprop(net, lr=0.01, momentum=0.5, eps=1e-3),
    lambda net: optim.Adagrad(net, lr=0.01, weight_decay=1e-2, eps=1e-3),
    lambda net: optim.NAdam(net, lr=0.01, eps=1e-3),
    lambda net: optim.RAdam(net, lr=0.01, eps=1e-3),
    lambda net: optim.Adadelta(net, lr=0.1, eps=1e-3),
]
"""Those that divide a gradient by its size have an ε that is above what rounding leaves of 0."""


class Case(NamedTuple):
    """A net, and how it is to be trained."""

    net: nn.Module
    criterion: nn.Loss
    optimizer: Callable[[nn.Module], optim.Optimizer]
    data: Dataset
    replicas: int
    options: dict[str, float]
    dtype: torch.dtype


def draw_activation(draw: random.Random) -> nn.Module:
    constant = draw.choice((0.0, 0.1, 0.5, 1.5))
    return draw.choice(
        (
            nn.Identity(),
            nn.ReLU(),
            nn.LeakyReLU(constant),
            nn.Tanh(),
            nn.Sigmoid(),
            nn.ELU(constant),
            nn.SELU(),
            nn.Hardtanh(-1.0, 0.5 + constant),
            nn.Softsign(),
            nn.GELU(draw.choice(("none", "tanh"))),
            nn.SiLU(),
            nn.Softplus(),
            nn.PReLU(),
            nn.LeakyReLU(-0.3),
            nn.Dropout(constant / 2),
        )
    )


def draw_block(draw: random.Random, width: int) -> nn.Module:
    """A module that keeps the width, around an activation or a linear layer."""
    inner = nn.Sequential(draw_activation(draw), nn.Linear(width, width))
    return draw.choice(
        (
            nn.Identity(),
            nn.Identity(),
            nn.BatchNorm1d(width, momentum=draw.choice((0.1, None))),
            nn.LayerNorm(width, eps=0.1),
            nn.GroupNorm(1, width, eps=0.1),
            nn.Residual(inner),
            nn.Sum(inner, nn.Tanh(), nn.Identity()),
            nn.Sequential(nn.Concat(inner, nn.Identity()), nn.Maxout(2)),
        )
    )


def draw_image_block(draw: random.Random, channels: int) -> nn.Module:
    """A module that keeps the channels of images."""
    return draw.choice(
        (
            nn.Identity(),
            nn.Identity(),
            nn.BatchNorm2d(channels, eps=0.01),
            nn.GroupNorm(1, channels, eps=0.1),
            nn.Dropout2d(0.3),
            nn.PReLU(channels),
            nn.Residual(nn.Conv2d(channels, channels, 3, padding=1)),
            nn.Concat(nn.Identity(), nn.Tanh()),
        )
    )


def draw_images(draw: random.Random, shape: tuple[int, ...]) -> list[nn.Module]:
    """Up to three convolutions, each with an activation and perhaps a pooling, before or after."""
    layers: list[nn.Module] = []
    channels = shape[0]
    for _ in range(draw.randint(1, 3)):
        out = draw.choice((1, 1, 2, 3, 4, 5, 8, 9, 16, 17))
        stride = draw.choice((1, 1, 1, 2, 3)), draw.choice((1, 1, 1, 2, 3))
        kernel = draw.choice(((3, 3), (2, 2), (1, 1), (draw.randint(1, 5), draw.randint(1, 5))))
        padding = draw.choice((0, 0, 1, (draw.randint(0, 2), draw.randint(0, 2)), "same"))
        if padding == "same":
            stride = (1, 1)
        dilation = draw.choice((1, 1, 1, (draw.randint(1, 2), draw.randint(1, 2))))
        bias = draw.random() < 0.8
        layers += [nn.Conv2d(channels, out, kernel, stride, padding, dilation, bias=bias)]
        after = [draw_activation(draw)]
        if draw.random() < 0.4:
            window = draw.randint(1, 3), draw.randint(1, 3)
            step = draw.choice((None, 1, 2, (1, 2)))
            after.insert(
                draw.randint(0, 1),
                draw.choice((nn.MaxPool2d(window, step), nn.AvgPool2d(window, step))),
            )
        block = draw_image_block(draw, out)
        layers += [*after, block]
        channels = out * (2 if isinstance(block, nn.Concat) else 1)
    return [*layers, nn.Flatten()]


def draw_loss(draw: random.Random) -> tuple[list[nn.Module], nn.Loss, bool]:
    """The last layers, the loss, and whether its targets are classes."""
    reduction = draw.choice(("mean", "mean", "sum"))
    kind = draw.randint(0, 9)
    smoothing = draw.choice((0.0, 0.0, 0.1))
    if kind < 2:
        return [], nn.CrossEntropyLoss(reduction=reduction, label_smoothing=smoothing), True
    if kind == 8:
        return [nn.LogSoftmax(1)], nn.KLDivLoss(draw.choice(("batchmean", reduction))), False
    if kind == 9:
        return [], nn.CrossEntropyLoss(reduction=reduction, label_smoothing=smoothing), False
    if kind == 2:
        return [nn.LogSoftmax(1)], nn.NLLLoss(reduction=reduction), True
    if kind == 3:
        return [nn.Sigmoid()], nn.BCELoss(reduction=reduction), False
    losses = (
        nn.MSELoss(reduction=reduction),
        nn.L1Loss(reduction=reduction),
        nn.SmoothL1Loss(reduction=reduction, beta=0.3),
        nn.HuberLoss(reduction=reduction, delta=0.4),
        nn.BCEWithLogitsLoss(reduction=reduction),
    )
    if kind == 4:  # not with L1: where all errors have one sign its gradient is zero but for
        return [nn.Softmax(1)], losses[0], False  # rounding, which Adam divides by its size
    return [draw_activation(draw)], draw.choice(losses), False


def draw_case(seed: int) -> Case | None:
    """The net of a seed; None where images are too small for windows, or batches for a norm."""
    draw, generator = random.Random(seed), torch.Generator().manual_seed(seed)
    N, K = draw.randint(1, 40), draw.choice((1, 1, 2, 3, 10))
    layers: list[nn.Module] = []
    if draw.random() < 0.65:
        shape = (draw.choice((1, 1, 2, 3, 8)), draw.randint(1, 10), draw.randint(1, 10))
        layers = draw_images(draw, shape)
    else:
        shape = (draw.randint(1, 20),)
    try:
        width = nn.Sequential(*layers)(torch.zeros(1, *shape)).shape[1]
    except LayerError:
        return None
    for _ in range(draw.randint(0, 2)):
        features = draw.choice((1, 2, 3, 7, 8, 16, 25, 33))
        layers += [nn.Linear(width, features, bias=draw.random() < 0.8), draw_activation(draw)]
        layers += [draw_block(draw, features)]
        width = features
    outputs = draw.choice((1, 2, 3, 8, 10))
    last, criterion, of_classes = draw_loss(draw)
    dtype = draw.choice((torch.float64, torch.float64, torch.float32))
    x = torch.randn(K, N, *shape, generator=generator, dtype=torch.float64).to(dtype)
    if of_classes:
        target = torch.randint(0, outputs, (K, N), generator=generator)
    else:
        target = torch.rand(K, N, outputs, generator=generator, dtype=torch.float64).to(dtype)
    options: dict[str, float] = {"batch_size": draw.choice((1, 4, 7, 16, 50))}
    if draw.random() < 0.2:
        options["clip_norm"] = 0.5
    if draw.random() < 0.2:
        options["clip_value"] = 0.1
    net = nn.Sequential(*layers, nn.Linear(width, outputs), *last)
    normed = any(isinstance(each, nn.BatchNorm1d | nn.BatchNorm2d) for each in net.modules())
    if normed and 1 in (N, options["batch_size"], N % options["batch_size"]):
        return None  # a batch of one sample has no variance
    # Adam divides a gradient by its size: in float32 one that is zero but for rounding counts
    optimizer = draw.choice(OPTIMIZERS if dtype == torch.float64 else OPTIMIZERS[:3])
    return Case(net, criterion, optimizer, Dataset(x, target, K), K, options, dtype)


def train_case(case: Case, compiled: bool) -> tuple[dict[str, Tensor], BackendStatus]:
    """Weights and losses after two epochs, and which way they were computed."""
    seeds = list(range(5, 5 + case.replicas))
    net = case.net.replicate(case.replicas, seeds).to(case.dtype)
    optimizer = case.optimizer(net)
    way: Any = "auto" if compiled else False
    trainer = Trainer(net, case.criterion, optimizer, compile=way, seed=seeds, **case.options)
    trainer.fit(case.data, epochs=2, progress=False)
    numbers = {"weights": optimizer.flats[0].data.clone(), **trainer.history.curves}
    return numbers, trainer.backend_status


def compare_paths(case: Case) -> tuple[float, bool]:
    """The largest relative difference of the two trainings; whether one was compiled as a whole."""
    (fast, status), (plain, _) = train_case(case, True), train_case(case, False)
    assert fast.keys() == plain.keys()
    found = 0.0
    for name, y in plain.items():
        if not torch.equal(y.isfinite(), fast[name].isfinite()):
            return float("inf"), False
        finite = y.isfinite()
        if finite.any():
            y, other = y[finite].double(), fast[name][finite].double()
            found = max(found, ((y - other).abs().max() / y.abs().max().clamp_min(1)).item())
    return found, status == Compiled()


TOLERANCES = {torch.float64: 1e-10, torch.float32: 1e-3}


def check_cases(first, count):
    cases = {seed: case for seed in range(first, first + count) if (case := draw_case(seed))}
    found = {}
    for seed, case in cases.items():
        try:
            found[seed] = compare_paths(case)
        except ValueError as error:  # a draw that no path can train
            if "of which the net cannot learn" not in str(error):
                raise
    assert len(found) > 0.95 * len(cases)
    assert sum(compiled for _, compiled in found.values()) > 0.9 * len(found)
    limits = {seed: TOLERANCES[case.dtype] for seed, case in cases.items()}
    assert {seed: d for seed, (d, _) in found.items() if not d < limits[seed]} == {}


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_some_random_nets_agree(first):
    check_cases(first, 20)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(60, 3000, 98))
def test_random_nets_agree(first):
    check_cases(first, 98)
