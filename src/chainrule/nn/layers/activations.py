"""Activations: a function of each element.

The chain rule of y = f(x) is dL/dx = g f'(x), with g = dL/dy. At a kink f' is
torch's choice.
``inplace`` is accepted for torch's sake; nothing here writes into its input.
"""

from __future__ import annotations

from abc import ABC
from math import pi, sqrt
from typing import Any, final

import torch
from torch import Tensor

from chainrule.nn.errors import check_input
from chainrule.nn.init import Constant
from chainrule.nn.module import Module
from chainrule.nn.ops.chunked import relu_backward
from chainrule.nn.parameter import Parameter
from chainrule.nn.vjp import BackwardFn

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "Exp",
    "Hardtanh",
    "Identity",
    "LeakyReLU",
    "PReLU",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "Tanh",
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
class ReLU(InplaceCompatible):
    """y = max(x, 0)        any shape

    dL/dx = g where x > 0, else 0
    """

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        y = x.relu()
        return y, lambda g: relu_backward(g, y)


@final
class LeakyReLU(Module):
    """y = x where x > 0, else s x        any shape; s = ``negative_slope``

    dL/dx = g where x > 0, else s g
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        slope, positive = self.negative_slope, x > 0
        return torch.where(positive, x, slope * x), lambda g: torch.where(positive, g, slope * g)


@final
class PReLU(Module):
    """y = x where x > 0, else w x        x (…, N, C, …)   w (…, 1) or one a channel (…, C)

    dL/dx = g where x > 0, else w g;   dL/dw += Σ g x where x ≤ 0        He et al., 2015

    Raises LayerError where x has not ``num_parameters`` channels.
    """

    def __init__(
        self,
        num_parameters: int = 1,
        init: float = 0.25,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter.draw((num_parameters,), Constant(init))
        self.to(device=device, dtype=dtype)

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        weight, channel, n = self.weight, self.num_replica_dims + 1, self.num_parameters

        def fits(x: Tensor) -> bool:
            return n == 1 or (x.dim() > channel and x.shape[channel] == n)

        check_input(self, x, f"input (N, {n}, …)" if n > 1 else "a tensor", fits, like=weight.data)
        ones = [n if axis == channel else 1 for axis in range(self.num_replica_dims, x.dim())]
        w = weight.data.reshape((*weight.data.shape[: self.num_replica_dims], *ones))
        positive = x > 0

        def backward(g: Tensor) -> Tensor:
            dw = (g * x).masked_fill(positive, 0)
            weight.grad += dw.sum_to_size(w.shape).reshape(weight.grad.shape)
            return torch.where(positive, g, w * g)

        return torch.where(positive, x, w * x), backward


@final
class ELU(Module):
    """y = x where x > 0, else α (eˣ − 1)        any shape

    dL/dx = g where x > 0, else g α eˣ        Clevert et al., 2016
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        self.alpha, self.inplace = alpha, inplace

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        positive, below = x > 0, x.clamp(max=0)
        y = torch.where(positive, x, self.alpha * below.expm1())
        return y, lambda g: torch.where(positive, g, g * self.alpha * below.exp())


@final
class SELU(InplaceCompatible):
    """y = λ x where x > 0, else λ α (eˣ − 1)        any shape

    dL/dx = λ g where x > 0, else λ α eˣ g        Klambauer et al., 2017
    """

    SCALE = 1.0507009873554804934193349852946
    ALPHA = 1.6732632423543772848170429916717

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        positive, below, steep = x > 0, x.clamp(max=0), self.SCALE * self.ALPHA
        y = torch.where(positive, self.SCALE * x, steep * below.expm1())
        return y, lambda g: g * torch.where(positive, self.SCALE, steep * below.exp())


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
class Softsign(Module):
    """y = x / (1 + |x|)        any shape

    dL/dx = g / (1 + |x|)²
    """

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        size = 1 + x.abs()
        return x / size, lambda g: g / (size * size)


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
class Sigmoid(Module):
    """y = σ(x) = 1 / (1 + e⁻ˣ)        any shape

    dL/dx = g y (1 − y)
    """

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        y = x.sigmoid()
        return y, lambda g: g * (y - y * y)


@final
class Hardtanh(Module):
    """y = x limited to [``min_val``, ``max_val``]        any shape

    dL/dx = g where min_val < x < max_val, else 0. Raises ValueError unless min_val < max_val.
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        if not min_val < max_val:
            raise ValueError(f"min_val must be below max_val, got {min_val} and {max_val}")
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        y = x.clamp(self.min_val, self.max_val)
        return y, lambda g: g.masked_fill((x <= self.min_val) | (x >= self.max_val), 0)
