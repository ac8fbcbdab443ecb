"""Activations with one formula for all x: a function of each element.

The chain rule of y = f(x) is dL/dx = g f'(x), with g = dL/dy. Those with a kink are in
``piecewise.py``.
``inplace`` is accepted for torch's sake; nothing here writes into its input.
"""

from __future__ import annotations

from abc import ABC
from math import pi, sqrt
from typing import Any, final

import torch
from torch import Tensor

from chainrule.nn.errors import LayerError, check_input, describe_shape
from chainrule.nn.layers.reshape import resolve_dim
from chainrule.nn.module import Module
from chainrule.nn.vjp import BackwardFn

__all__ = [
    "GELU",
    "GLU",
    "Exp",
    "Identity",
    "LogSigmoid",
    "Mish",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "Tanh",
    "Tanhshrink",
]


@final
class Identity(Module):
    """y = x        anything

    dL/dx = g
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take any arguments and ignore them, as torch does."""

    def forward(self, x: Any) -> tuple[Any, BackwardFn]:
        return x, lambda g: g


class InplaceCompatible(Module, ABC):
    """An activation whose torch twin can overwrite its input; this one never does."""

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace


@final
class Exp(Module):
    """y = eˣ        any shape: a logarithm, such as that of a variance, made positive

    dL/dx = g y
    """

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        y = x.exp()
        return y, lambda g: g * y


@final
class Sigmoid(Module):
    """y = σ(x) = 1 / (1 + e⁻ˣ)        any shape

    dL/dx = g y (1 − y)
    """

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        y = x.sigmoid()
        return y, lambda g: g * (y - y * y)


@final
class LogSigmoid(Module):
    """y = log σ(x) = −log(1 + e⁻ˣ)        any shape

    dL/dx = g σ(−x)

    Computed as min(x, 0) − log(1 + e^(−|x|)), which never overflows.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        y = x.clamp(max=0) - (-x.abs()).exp().log1p()
        return y, lambda g: g * (-x).sigmoid()


@final
class Tanh(Module):
    """y = tanh x        any shape

    dL/dx = g (1 − y²)
    """

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        y = x.tanh()
        return y, lambda g: g - g * y * y


@final
class Tanhshrink(Module):
    """y = x − tanh x        any shape

    dL/dx = g tanh² x
    """

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        t = x.tanh()
        return x - t, lambda g: g * t * t


@final
class Softsign(Module):
    """y = x / (1 + |x|)        any shape

    dL/dx = g / (1 + |x|)²
    """

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        size = 1 + x.abs()
        return x / size, lambda g: g / (size * size)


@final
class Softplus(Module):
    """y = log(1 + e^(βx)) / β, and x itself where βx > ``threshold``        any shape

    dL/dx = g σ(βx), and g where βx > ``threshold``
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta, self.threshold = beta, threshold

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        z = self.beta * x
        linear = z > self.threshold
        y = torch.where(linear, x, z.clamp(max=self.threshold).exp().log1p() / self.beta)
        return y, lambda g: torch.where(linear, g, g * z.sigmoid())


@final
class GLU(Module):
    """y = a σ(b), with x = (a, b) in halves along ``dim``        any shape

    dL/da = g σ,   dL/db = g a σ (1 − σ)        Dauphin et al., 2017

    ``dim`` counts torch's dimensions, without the replica axis. Raises LayerError where x has no
    such dimension, or one of odd size.
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    @property
    def depends_on_batch(self) -> bool:
        return self.dim == 0

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        dim = resolve_dim(self, x, self.dim)
        if x.shape[dim] % 2:
            raise LayerError(
                self, f"expected dimension {self.dim} to have halves, got {describe_shape(x)}"
            )
        a, b = x.chunk(2, dim)
        s = b.sigmoid()
        return a * s, lambda g: torch.cat([g * s, g * a * s * (1 - s)], dim)


@final
class SiLU(InplaceCompatible):
    """y = x σ(x)        any shape

    dL/dx = g σ (1 + x (1 − σ))        Elfwing et al., 2018
    """

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        s = x.sigmoid()
        return x * s, lambda g: g * s * (1 + x * (1 - s))


@final
class Mish(InplaceCompatible):
    """y = x t, t = tanh(log(1 + eˣ))        any shape

    dL/dx = g (t + x (1 − t²) σ(x))        Misra, 2020
    """

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        t = (x.clamp(min=0) + (-x.abs()).exp().log1p()).tanh()
        return x * t, lambda g: g * (t + x * (1 - t * t) * x.sigmoid())


@final
class GELU(Module):
    """y = x Φ(x), or with ``approximate="tanh"`` y = ½ x (1 + tanh u), u = √(2/π) (x + 0.044715 x³)

    dL/dx = g (Φ(x) + x φ(x)), or g (½ (1 + t) + ½ x (1 − t²) u′), t = tanh u

    Φ, φ: the standard normal distribution function and density. Hendrycks and Gimpel, 2016.
    Raises ValueError for another ``approximate``.
    """

    def __init__(self, approximate: str = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ValueError(f"approximate is 'none' or 'tanh', got {approximate!r}")
        self.approximate = approximate

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        if self.approximate == "tanh":
            c = sqrt(2 / pi)
            t = (c * (x + 0.044715 * x**3)).tanh()
            below, bump = 0.5 * (1 + t), 0.5 * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x)
        else:
            below, bump = 0.5 * (1 + torch.erf(x / sqrt(2))), (-0.5 * x * x).exp() / sqrt(2 * pi)
        return x * below, lambda g: g * (below + x * bump)
