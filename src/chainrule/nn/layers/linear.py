"""Layers that multiply by a weight: Linear, Bilinear.

N samples, ``in`` and ``out`` features; … is the replica axis K, or nothing in a plain net.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any, final

import torch
from torch import Tensor

from chainrule._util.kinds import check_kind
from chainrule.nn.errors import LayerError, check_input, describe_shape
from chainrule.nn.init import FanInUniform, Initializer, Zeros
from chainrule.nn.module import Module
from chainrule.nn.ops.matmul import addmm_, linear_forward
from chainrule.nn.parameter import Parameter
from chainrule.nn.vjp import BackwardFn, ChainRule, accumulate_param_grads

__all__ = ["Bilinear", "Linear", "WeightedLayer"]


class WeightedLayer(Module, ABC):
    """A layer with a weight and perhaps a bias, which start as ``init`` says.

    Without ``init`` both are drawn as torch draws them; with it the weight follows ``init`` and
    the bias starts at 0.
    """

    weight: Parameter
    bias: Parameter | None
    init: Initializer | None

    def _init_parameters(
        self,
        weight: tuple[int, ...],
        bias: bool,
        init: Initializer | None,
        *,
        outputs: int | None = None,
        **to: Any,
    ) -> None:
        if not all(isinstance(size, int) and size >= 0 for size in weight):
            raise ValueError(f"{type(self).__name__}: sizes are whole numbers, got {weight}")
        self.weight = Parameter(torch.empty(weight))
        self.bias = (
            Parameter(torch.empty(weight[0] if outputs is None else outputs)) if bias else None
        )
        self.set_init(init)
        for _, parameter in self.local_parameters():
            parameter.redraw(None)
        self.to(**to)

    def set_init(self, init: Initializer | None) -> None:
        """Choose how ``initialize`` draws from now on (None: as torch does)."""
        if init is not None:
            check_kind(init, Initializer, f"{type(self).__name__}: init")
        self.init = init
        self.weight.init = init or self.default_init()
        if self.bias is not None:
            self.bias.init = Zeros() if init else self.default_init()

    def default_init(self) -> Initializer:
        """torch's: weight and bias in ±1/√fan_in."""
        return FanInUniform(prod(self.weight.data.shape[self.num_replica_dims + 1 :]))


@final
class Linear(WeightedLayer):
    """y = x Wᵀ + b        x (…, N, in)   W (…, out, in)   b (…, out)   y (…, N, out)

    dL/dx = g W,   dL/dW += gᵀ x,   dL/db += Σₙ g        with g = dL/dy (…, N, out)

    A plain net's x may have any number of axes before ``in``. Raises LayerError unless ``in`` is
    last, and for another dtype or device than the weight's.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        init: Initializer | None = None,
    ) -> None:
        self.in_features, self.out_features = in_features, out_features
        self._init_parameters((out_features, in_features), bias, init, device=device, dtype=dtype)

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x, f"input (…, {self.in_features})", self._fits, like=self.weight.data)
        if x.dim() == self.num_replica_dims + 2:
            return self._forward_matrix(x)
        return flatten_leading_dims(self, self._forward_matrix, x)

    def _forward_matrix(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        weight, bias = self.weight, self.bias

        def params_only(g: Tensor) -> None:
            addmm_(weight.grad, g.mT, x)
            if bias is not None:
                bias.grad += g.sum(-2)

        def backward(g: Tensor) -> Tensor:
            params_only(g)
            return linear_forward(weight.data.mT, g)

        return linear_forward(weight.data, x, bias.data if bias else None), ChainRule(
            backward, params_only
        )

    def _fits(self, x: Tensor) -> bool:
        return x.dim() > self.num_replica_dims and x.shape[-1] == self.in_features

    def multiply_adds(self, inputs: Tensor, output: Tensor) -> int:
        return output.numel() * self.in_features


def flatten_leading_dims(
    module: Module, forward: Callable[[Tensor], tuple[Tensor, BackwardFn]], x: Tensor
) -> tuple[Tensor, BackwardFn]:
    """Apply ``forward`` to all axes between the replicas and the features as to samples."""
    n = module.num_replica_dims
    lead, middle = x.shape[:n], x.shape[n:-1]
    y, rule = forward(x.reshape(*lead, prod(middle), x.shape[-1]))

    def backward(g: Tensor) -> Tensor:
        dx: Tensor = rule(g.reshape(y.shape))
        return dx.reshape(*dx.shape[:n], *x.shape[n:])

    def params_only(g: Tensor) -> None:
        accumulate_param_grads(rule, g.reshape(y.shape))

    return y.reshape(*y.shape[:n], *middle, y.shape[-1]), ChainRule(backward, params_only)


@final
class Bilinear(WeightedLayer):
    """yₒ = x₁ᵀ Wₒ x₂ + bₒ        x₁ (…, N, in1)   x₂ (…, N, in2)   y (…, N, out)

    with W (…, out, in1, in2) and b (…, out)

    With g = dL/dy:   dL/dx₁ = Σₒ gₒ Wₒ x₂,   dL/dx₂ = Σₒ gₒ Wₒᵀ x₁,
    dL/dWₒ += Σₙ gₒ x₁ x₂ᵀ,   dL/db += Σₙ g

    Called as ``layer(x1, x2)``, or with the pair as one argument inside a container; the input's
    gradient is the pair (dL/dx₁, dL/dx₂). Raises LayerError for other shapes or dtypes.
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        init: Initializer | None = None,
    ) -> None:
        self.in1_features, self.in2_features = in1_features, in2_features
        self.out_features = out_features
        shape = (out_features, in1_features, in2_features)
        self._init_parameters(shape, bias, init, device=device, dtype=dtype)

    def default_init(self) -> Initializer:
        """torch's: weight and bias in ±1/√in1."""
        return FanInUniform(self.in1_features)

    def forward(self, x: Any, x2: Tensor | None = None) -> tuple[Tensor, BackwardFn]:
        x1, x2 = self._check_pair(x if x2 is None else (x, x2))
        weight, bias = self.weight, self.bias
        middle = x1.shape[self.num_replica_dims : -1]
        a, b = (
            t.reshape(*t.shape[: self.num_replica_dims], prod(middle), t.shape[-1])
            for t in (x1, x2)
        )
        y = torch.einsum("...ni,...oij,...nj->...no", a, weight.data, b)
        if bias is not None:
            y = y + bias.data.unsqueeze(-2)

        def backward(g: Tensor) -> tuple[Tensor, Tensor]:
            g = g.reshape(y.shape)
            weight.grad += torch.einsum("...no,...ni,...nj->...oij", g, a, b)
            if bias is not None:
                bias.grad += g.sum(-2)
            da = torch.einsum("...no,...oij,...nj->...ni", g, weight.data, b)
            db = torch.einsum("...no,...oij,...ni->...nj", g, weight.data, a)
            lead = g.shape[: self.num_replica_dims]
            return da.reshape(*lead, *x1.shape[self.num_replica_dims :]), db.reshape(
                *lead, *x2.shape[self.num_replica_dims :]
            )

        return y.reshape(*y.shape[: self.num_replica_dims], *middle, self.out_features), backward

    def _check_pair(self, pair: Any) -> tuple[Tensor, Tensor]:
        expected = f"a pair (…, {self.in1_features}), (…, {self.in2_features})"
        if not (isinstance(pair, tuple | list) and len(pair) == 2):
            raise LayerError(self, f"expected {expected}, got {describe_shape(pair)}")
        sizes = (self.in1_features, self.in2_features)
        for x, size in zip(pair, sizes, strict=True):
            check_input(self, x, expected, partial(self._fits, size=size), like=self.weight.data)
        x1, x2 = pair
        if x1.shape[:-1] != x2.shape[:-1]:
            raise LayerError(self, f"expected {expected}, got {describe_shape(pair)}")
        return x1, x2

    def _fits(self, x: Tensor, size: int) -> bool:
        return x.dim() > self.num_replica_dims and x.shape[-1] == size

    def multiply_adds(self, inputs: Any, output: Tensor) -> int:
        return output.numel() * (self.in1_features + 1) * self.in2_features
