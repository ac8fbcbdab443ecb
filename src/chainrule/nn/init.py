"""How weights start: each initialization draws one tensor of a given shape.

For a weight of shape (out, in, *kernel), fan_in = in · |kernel| and fan_out = out · |kernel|.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import prod, sqrt
from typing import final

import torch
from torch import Generator, Tensor

from chainrule._util.argument_checks import check_arguments
from chainrule._util.suggest import did_you_mean

__all__ = [
    "Constant",
    "FanInUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "Normal",
    "Orthogonal",
    "Uniform",
    "XavierNormal",
    "XavierUniform",
    "Zeros",
    "calculate_gain",
]

Shape = tuple[int, ...]


class Initializer(ABC):
    """A rule that draws a tensor of a given shape, in the default dtype, on the CPU."""

    @abstractmethod
    def __call__(self, shape: Shape, generator: Generator | None = None) -> Tensor:
        """Draw a tensor; without a generator, from torch's global one."""


def fans(shape: Shape) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight's shape."""
    if len(shape) < 2:
        raise ValueError(f"fan_in and fan_out need a shape of 2 or more dimensions, got {shape}")
    kernel = prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


@check_arguments
def calculate_gain(nonlinearity: str, negative_slope: float = 0.01) -> float:
    """By how much to widen the weights before this activation, torch's table.

    Raises ValueError for a name that is not in the table.
    """
    gains = {
        "linear": 1.0,
        "sigmoid": 1.0,
        "tanh": 5 / 3,
        "relu": sqrt(2.0),
        "leaky_relu": sqrt(2.0 / (1 + negative_slope**2)),
        "selu": 3 / 4,
    }
    if nonlinearity not in gains:
        hint = did_you_mean(nonlinearity, gains)
        raise ValueError(
            f"nonlinearity: no gain for {nonlinearity!r}; {hint}known: {', '.join(gains)}"
        )
    return gains[nonlinearity]


@final
@check_arguments
@dataclass(frozen=True)
class Constant(Initializer):
    """Every entry is ``value``."""

    value: float

    def __call__(self, shape: Shape, generator: Generator | None = None) -> Tensor:
        return torch.full(shape, float(self.value))


@final
@check_arguments
@dataclass(frozen=True)
class Zeros(Initializer):
    """Every entry is 0. A net whose weights all start so never breaks their symmetry."""

    def __call__(self, shape: Shape, generator: Generator | None = None) -> Tensor:
        return torch.zeros(shape)


@final
@check_arguments
@dataclass(frozen=True)
class Normal(Initializer):
    """N(mean, std²)."""

    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self) -> None:
        if not self.std >= 0:
            raise ValueError(f"std: expected at least 0, got {self.std}")

    def __call__(self, shape: Shape, generator: Generator | None = None) -> Tensor:
        return torch.empty(shape).normal_(self.mean, self.std, generator=generator)


@final
@check_arguments
@dataclass(frozen=True)
class Uniform(Initializer):
    """U(low, high)."""

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"low: expected at most high = {self.high}, got {self.low}")

    def __call__(self, shape: Shape, generator: Generator | None = None) -> Tensor:
        return torch.empty(shape).uniform_(self.low, self.high, generator=generator)


@final
@check_arguments
@dataclass(frozen=True)
class FanInUniform(Initializer):
    """U(−1/√fan_in, 1/√fan_in), torch's default for linear and convolution layers.

    ``fan_in`` is read off the shape unless given (a bias has the fan_in of its weight).
    """

    fan_in: int | None = None

    def __call__(self, shape: Shape, generator: Generator | None = None) -> Tensor:
        fan_in = fans(shape)[0] if self.fan_in is None else self.fan_in
        bound = 1 / sqrt(fan_in) if fan_in else 0.0
        return torch.empty(shape).uniform_(-bound, bound, generator=generator)


@final
@check_arguments
@dataclass(frozen=True)
class XavierUniform(Initializer):
    """U(−a, a), a = gain · √(6 / (fan_in + fan_out)). Glorot and Bengio, 2010."""

    gain: float = 1.0

    def __call__(self, shape: Shape, generator: Generator | None = None) -> Tensor:
        bound = self.gain * sqrt(6 / sum(fans(shape)))
        return torch.empty(shape).uniform_(-bound, bound, generator=generator)


@final
@check_arguments
@dataclass(frozen=True)
class XavierNormal(Initializer):
    """N(0, σ²), σ = gain · √(2 / (fan_in + fan_out)). Glorot and Bengio, 2010."""

    gain: float = 1.0

    def __call__(self, shape: Shape, generator: Generator | None = None) -> Tensor:
        std = self.gain * sqrt(2 / sum(fans(shape)))
        return torch.empty(shape).normal_(0.0, std, generator=generator)


@final
@check_arguments
@dataclass(frozen=True)
class HeUniform(Initializer):
    """U(−a, a), a = gain · √(3 / fan_in); the gain suits ``nonlinearity``. He et al., 2015."""

    nonlinearity: str = "relu"
    negative_slope: float = 0.01

    def __call__(self, shape: Shape, generator: Generator | None = None) -> Tensor:
        gain = calculate_gain(self.nonlinearity, self.negative_slope)
        bound = gain * sqrt(3 / fans(shape)[0])
        return torch.empty(shape).uniform_(-bound, bound, generator=generator)


@final
@check_arguments
@dataclass(frozen=True)
class HeNormal(Initializer):
    """N(0, σ²), σ = gain / √fan_in; the gain suits ``nonlinearity``. He et al., 2015."""

    nonlinearity: str = "relu"
    negative_slope: float = 0.01

    def __call__(self, shape: Shape, generator: Generator | None = None) -> Tensor:
        std = calculate_gain(self.nonlinearity, self.negative_slope) / sqrt(fans(shape)[0])
        return torch.empty(shape).normal_(0.0, std, generator=generator)


@final
@check_arguments
@dataclass(frozen=True)
class Orthogonal(Initializer):
    """A random (semi-)orthogonal matrix (out, in · |kernel|) times gain. Saxe et al., 2013."""

    gain: float = 1.0

    def __call__(self, shape: Shape, generator: Generator | None = None) -> Tensor:
        rows, columns = shape[0], fans(shape)[0]
        flat = torch.empty(rows, columns).normal_(generator=generator)
        tall = flat if rows >= columns else flat.T
        q, r = torch.linalg.qr(tall)
        q = q * r.diagonal().sign()  # the sign that makes the distribution uniform
        square: Tensor = q if rows >= columns else q.T
        return (self.gain * square).reshape(shape)
