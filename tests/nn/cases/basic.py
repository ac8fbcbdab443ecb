"""Activations, products, shapes and containers."""

from __future__ import annotations

from functools import partial

from torch import nn as tnn

from chainrule import nn
from tests.nn.cases import Case, odd, same

activation = partial(same, shape=(4, 3), keeps_shape=True)


class ExactHardsigmoid(tnn.Module):
    """torch's own has a slope of 1/6 rounded to float32, in float64 too."""

    def forward(self, x):
        return (x / 6 + 0.5).clamp(0, 1)


ACTIVATIONS = [
    activation("Identity"),
    activation("ReLU"),
    activation("LeakyReLU"),
    activation("LeakyReLU", 0.3, shape=(5,)),
    activation("PReLU"),
    activation("PReLU", 3, init=0.4),
    activation("PReLU", 3, shape=(4, 3, 5)),
    activation("PReLU", shape=(5,)),
    activation("ELU"),
    activation("ELU", 0.7, shape=(2, 3, 4)),
    activation("SELU"),
    activation("GELU"),
    activation("GELU", approximate="tanh"),
    activation("SiLU"),
    activation("Softplus"),
    activation("Softplus", beta=3, threshold=2),
    activation("Softsign"),
    activation("Tanh"),
    activation("Sigmoid"),
    activation("Hardtanh"),
    activation("Hardtanh", -0.5, 1.1),
    activation("ReLU6"),
    activation("CELU"),
    activation("CELU", 0.5, shape=(2, 3, 4)),
    activation("Mish"),
    activation("GLU", shape=(3, 4)),
    activation("GLU", dim=1, shape=(2, 4, 3)),
    activation("LogSigmoid"),
    activation("Tanhshrink"),
    Case("Hardsigmoid()", nn.Hardsigmoid, (4, 3), ExactHardsigmoid, keeps_shape=True),
    activation("Hardswish"),
    activation("Hardshrink"),
    activation("Hardshrink", 0.9),
    activation("Softshrink"),
    activation("Softshrink", 0.9),
    activation("Threshold", 0.4, -0.7),
    activation("Softmin", dim=1),
    activation("Softmin", dim=-1, shape=(2, 3, 4)),
    activation("Softmax", dim=1),
    activation("Softmax", dim=-1, shape=(2, 3, 4)),
    activation("Softmax", dim=0),
    activation("LogSoftmax", dim=1, shape=(2, 3, 4)),
    activation("LogSoftmax", dim=-2, shape=(2, 3, 4)),
]

SHAPES = [
    Case("Flatten()", nn.Flatten, (4, 3, 2), tnn.Flatten),
    Case("Flatten(2, 3)", lambda: nn.Flatten(2, 3), (4, 3, 2, 2), lambda: tnn.Flatten(2, 3)),
    Case("Flatten(0)", lambda: nn.Flatten(0), (4, 3, 2), lambda: tnn.Flatten(0)),
    Case("Flatten(-2)", lambda: nn.Flatten(-2), (4, 3, 2), lambda: tnn.Flatten(-2)),
    Case(
        "Unflatten(1, (2, 3))",
        lambda: nn.Unflatten(1, (2, 3)),
        (4, 6),
        lambda: tnn.Unflatten(1, (2, 3)),
    ),
    Case(
        "Unflatten(-1, (-1, 3))",
        lambda: nn.Unflatten(-1, (-1, 3)),
        (4, 2, 6),
        lambda: tnn.Unflatten(-1, (-1, 3)),
    ),
    Case("Exp()", nn.Exp, (4, 3), keeps_shape=True),
    Case("Select(1, 0)", lambda: nn.Select(1, 0), (4, 2, 3)),
    Case("Select(-1, -2)", lambda: nn.Select(-1, -2), (4, 3)),
    Case("Unbind()", nn.Unbind, (4, 2, 3)),
    Case("Unbind(-1)", lambda: nn.Unbind(-1), (4, 3)),
]

LINEAR = [
    Case("Linear", lambda: nn.Linear(3, 5), (4, 3), lambda: tnn.Linear(3, 5)),
    Case(
        "Linear square", lambda: nn.Linear(3, 3), (4, 3), lambda: tnn.Linear(3, 3), keeps_shape=True
    ),
    Case(
        "Linear no bias",
        lambda: nn.Linear(3, 5, bias=False),
        (4, 3),
        lambda: tnn.Linear(3, 5, bias=False),
    ),
    Case("Linear (in,)", lambda: nn.Linear(3, 5), (3,), lambda: tnn.Linear(3, 5)),
    Case("Linear (N, T, in)", lambda: nn.Linear(3, 5), (4, 2, 3), lambda: tnn.Linear(3, 5)),
    Case(
        "Bilinear",
        lambda: nn.Bilinear(3, 2, 4),
        twin=lambda: tnn.Bilinear(3, 2, 4),
        input=lambda seed: (odd(5, 3, seed=seed), odd(5, 2, seed=seed + 1)),
    ),
    Case(
        "Bilinear (N, T, in) no bias",
        lambda: nn.Bilinear(3, 2, 4, bias=False),
        twin=lambda: tnn.Bilinear(3, 2, 4, bias=False),
        input=lambda seed: (odd(5, 2, 3, seed=seed), odd(5, 2, 2, seed=seed + 1)),
    ),
]


class TorchResidual(tnn.Module):
    def __init__(self, module: tnn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x):
        return x + self.module(x)


CONTAINERS = [
    Case(
        "Sequential",
        lambda: nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)),
        (5, 3),
        lambda: tnn.Sequential(tnn.Linear(3, 4), tnn.Tanh(), tnn.Linear(4, 2)),
    ),
    Case("Sequential empty", nn.Sequential, (5, 3), tnn.Sequential, keeps_shape=True),
    Case(
        "Residual",
        lambda: nn.Residual(nn.Sequential(nn.Linear(3, 3), nn.Tanh())),
        (5, 3),
        lambda: TorchResidual(tnn.Sequential(tnn.Linear(3, 3), tnn.Tanh())),
        keeps_shape=True,
    ),
    Case("Concat", lambda: nn.Concat(nn.Linear(3, 4), nn.Linear(3, 2)), (5, 3)),
    Case(
        "Concat dim=0",
        lambda: nn.Concat([nn.Linear(3, 4), nn.Tanh(), nn.Linear(3, 4)][::2], dim=0),
        (5, 3),
    ),
    Case("Sum", lambda: nn.Sum(nn.Linear(3, 4), nn.Linear(3, 4)), (5, 3)),
    Case("Heads", lambda: nn.Heads(a=nn.Linear(3, 4), b=nn.Linear(3, 2)), (5, 3)),
    Case(
        "Parallel",
        lambda: nn.Parallel(nn.Linear(3, 4), nn.Tanh()),
        input=lambda seed: (odd(5, 3, seed=seed), odd(5, 2, seed=seed + 1)),
    ),
    Case("LessEqualProbability()", nn.LessEqualProbability, (4, 2, 5)),
    Case("Siamese shared", lambda: nn.Siamese(nn.Linear(3, 4)), (5, 2, 3)),
    Case("Siamese apart", lambda: nn.Siamese(nn.Linear(3, 4), share=False), (5, 2, 3)),
    Case(
        "Siamese joint_batch",
        lambda: nn.Siamese(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), joint_batch=True),
        (5, 2, 3),
    ),
    Case(
        "Siamese of a pair",
        lambda: nn.Siamese(nn.Linear(3, 4)),
        input=lambda seed: (odd(5, 3, seed=seed), odd(5, 3, seed=seed + 1)),
    ),
]

CASES = [*ACTIVATIONS, *SHAPES, *LINEAR, *CONTAINERS]
