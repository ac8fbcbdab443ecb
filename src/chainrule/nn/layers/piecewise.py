"""Activations made of pieces, which meet at a kink: a function of each element.

The chain rule of y = f(x) is dL/dx = g f'(x), with g = dL/dy. At a kink f' is
torch's choice.
``inplace`` is accepted for torch's sake; nothing here writes into its input.
"""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor

from chainrule._util.kinds import check_whole
from chainrule.nn.errors import check_input
from chainrule.nn.init import Constant
from chainrule.nn.layers.activations import InplaceCompatible
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter
from chainrule.nn.vjp import BackwardFn

__all__ = [
    "CELU",
    "ELU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "PReLU",
    "ReLU",
    "ReLU6",
    "Softshrink",
    "Threshold",
]


@final
class ReLU(InplaceCompatible):
    """y = max(x, 0)        any shape

    dL/dx = g where x > 0, else 0
    """

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        y = x.relu()
        return y, lambda g: torch.where(y > 0, g, 0)


@final
class ReLU6(InplaceCompatible):
    """y = x limited to [0, 6]        any shape

    dL/dx = g where 0 < x < 6, else 0        Howard et al., 2017
    """

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        return x.clamp(0, 6), lambda g: g.masked_fill((x <= 0) | (x >= 6), 0)


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
        check_whole(num_parameters=num_parameters)
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
class CELU(Module):
    """y = x where x > 0, else α (e^(x/α) − 1)        any shape

    dL/dx = g where x > 0, else g e^(x/α)        Barron, 2017

    Raises ValueError where ``alpha`` is 0.
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        if alpha == 0:
            raise ValueError("alpha must not be 0")
        self.alpha, self.inplace = alpha, inplace

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        positive, below = x > 0, x.clamp(max=0) / self.alpha
        y = torch.where(positive, x, self.alpha * below.expm1())
        return y, lambda g: torch.where(positive, g, g * below.exp())


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


@final
class Hardsigmoid(InplaceCompatible):
    """y = x/6 + ½ limited to [0, 1]        any shape

    dL/dx = g/6 where −3 < x < 3, else 0
    """

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        y = (x / 6 + 0.5).clamp(0, 1)
        return y, lambda g: (g / 6).masked_fill((x <= -3) | (x >= 3), 0)


@final
class Hardswish(InplaceCompatible):
    """y = x h, h = x/6 + ½ limited to [0, 1]        any shape

    dL/dx = g (x/3 + ½) where −3 < x < 3, else g h        Howard et al., 2019
    """

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        h = (x / 6 + 0.5).clamp(0, 1)
        inside = x.abs() < 3
        return x * h, lambda g: g * torch.where(inside, x / 3 + 0.5, h)


@final
class Hardshrink(Module):
    """y = 0 where |x| ≤ λ, else x        any shape; λ = ``lambd``

    dL/dx = 0 where |x| ≤ λ, else g
    """

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        small = (x >= -self.lambd) & (x <= self.lambd)
        return x.masked_fill(small, 0), lambda g: g.masked_fill(small, 0)


@final
class Softshrink(Module):
    """y = x − x limited to [−λ, λ]        any shape; λ = ``lambd``

    dL/dx = 0 where |x| ≤ λ, else g. Raises ValueError where λ is negative.
    """

    def __init__(self, lambd: float = 0.5) -> None:
        if lambd < 0:
            raise ValueError(f"lambd must be 0 or more, got {lambd}")
        self.lambd = lambd

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        small = x.abs() <= self.lambd
        y = x - x.clamp(-self.lambd, self.lambd)
        return y, lambda g: g.masked_fill(small, 0)


@final
class Threshold(Module):
    """y = x where x > ``threshold``, else ``value``        any shape

    dL/dx = g where x > threshold, else 0
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        self.threshold, self.value, self.inplace = threshold, value, inplace

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x)
        low = x <= self.threshold
        return x.masked_fill(low, self.value), lambda g: g.masked_fill(low, 0)
