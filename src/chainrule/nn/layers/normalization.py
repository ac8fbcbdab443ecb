"""Normalizations within a sample: LayerNorm, RMSNorm, GroupNorm; what they share
with batch_norm.py.

All are y = w x̂ + b with x̂ = (x − μ) / √(σ² + ε); they differ in the entries that share a mean μ
and a variance σ². N samples, C channels; … is the replica axis K, or nothing in a plain net.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterable, Sequence
from math import prod
from typing import Any, NamedTuple, final

import torch
from torch import Tensor

from chainrule._util.kinds import check_not_negative, check_whole
from chainrule.nn.errors import check_input
from chainrule.nn.init import Constant, Zeros
from chainrule.nn.module import Module
from chainrule.nn.parameter import Buffer, Parameter
from chainrule.nn.vjp import BackwardFn

__all__ = ["Affine", "GroupNorm", "LayerNorm", "RMSNorm", "TrackingNorm", "normalize"]


class NormalizedInput(NamedTuple):
    """x̂ and what it was made with."""

    x: Tensor
    mean: Tensor
    var: Tensor
    rule: BackwardFn


def normalize(x: Tensor, dims: list[int], eps: float) -> NormalizedInput:
    """x̂ = (x − μ) / √(σ² + ε), with μ and σ² over ``dims``

    dL/dx = (g − mean(g) − x̂ mean(g x̂)) / √(σ² + ε)        means over the same dims

    The variance is taken around the mean, and the mean is freed of its own rounding, which counts
    where it is far above the spread.
    """
    mean = x.mean(dims, keepdim=True)
    centred = x - mean
    rest = centred.mean(dims, keepdim=True)
    centred = centred - rest
    var = centred.square().mean(dims, keepdim=True)
    scale = (var + eps).rsqrt()
    x_hat = centred * scale

    def rule(g: Tensor) -> Tensor:
        along = (g * x_hat).mean(dims, keepdim=True)
        dx: Tensor = scale * (g - g.mean(dims, keepdim=True) - x_hat * along)
        return dx

    return NormalizedInput(x_hat, mean + rest, var, rule)


class Affine(Module, ABC):
    """A normalization that ends with a learned scale and shift, which start at 1 and 0."""

    weight: Parameter | None
    bias: Parameter | None

    def _init_parameters(self, shape: tuple[int, ...], weight: bool, bias: bool) -> None:
        self.weight = Parameter.draw(shape, Constant(1.0)) if weight else None
        self.bias = Parameter.draw(shape, Zeros()) if bias else None

    def _affine(
        self, x_hat: Tensor, rule: BackwardFn, shape: Sequence[int]
    ) -> tuple[Tensor, BackwardFn]:
        """y = w x̂ + b, with w and b seen in ``shape``

        dL/dx̂ = w g,   dL/dw += Σ g x̂,   dL/db += Σ g
        """
        weight, bias, y = self.weight, self.bias, x_hat
        shape = ((self.replicas or 1),) * self.num_replica_dims + tuple(shape)
        w = None if weight is None else weight.data.reshape(shape)
        if w is not None:
            y = y * w
        if bias is not None:
            y = y + bias.data.reshape(shape)

        def backward(g: Tensor) -> Any:
            if weight is not None:
                weight.grad += (g * x_hat).sum_to_size(shape).reshape(weight.grad.shape)
            if bias is not None:
                bias.grad += g.sum_to_size(shape).reshape(bias.grad.shape)
            return rule(g if w is None else g * w)

        return y, backward

    def _reference(self) -> Tensor | None:
        """A tensor that the input must agree with."""
        return next((value.data for value in (self.weight, self.bias) if value), None)


class TrackingNorm(Affine, ABC):
    """A normalization that may keep running statistics, in torch's three buffers.

    Raises ValueError unless ε > 0.
    """

    num_features: int
    eps: float
    track_running_stats: bool
    running_mean: Buffer | None
    running_var: Buffer | None
    num_batches_tracked: Buffer | None

    def _init_tracking(self, affine: bool, bias: bool, **to: Any) -> None:
        """Parameters and buffers; the other arguments are attributes already."""
        if not self.eps > 0:
            raise ValueError(f"eps must be positive, got {self.eps}")
        self._init_parameters((self.num_features,), affine, affine and bias)
        track = self.track_running_stats
        self.running_mean = Buffer(torch.zeros(self.num_features)) if track else None
        self.running_var = Buffer(torch.ones(self.num_features)) if track else None
        self.num_batches_tracked = Buffer(torch.tensor(0)) if track else None
        self.to(**to)


def as_shape(normalized_shape: Any) -> tuple[int, ...]:
    """The sizes of the axes that are normalized. Raises ValueError for what is no size."""
    several = isinstance(normalized_shape, Iterable)
    sizes = tuple(normalized_shape) if several else (normalized_shape,)
    for size in sizes:
        check_whole(normalized_shape=size)
    return sizes


@final
class LayerNorm(Affine):
    """y = w x̂ + b, x̂ over the last axes, of ``normalized_shape``        x (…, any, *shape)

    dL/dx: that of normalize. w, b (…, *shape)        Ba, Kiros and Hinton, 2016

    Raises LayerError unless x ends with this shape, and for another dtype or device.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        self.normalized_shape = as_shape(normalized_shape)
        check_not_negative(eps=eps)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self._init_parameters(
            self.normalized_shape, elementwise_affine, elementwise_affine and bias
        )
        self.to(device=device, dtype=dtype)

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        shape = self.normalized_shape
        sizes = ", ".join(map(str, shape))
        check_input(self, x, f"input (…, {sizes})", self._fits, like=self._reference())
        x_hat = normalize(x, list(range(-len(shape), 0)), self.eps)
        ones = [1] * (x.dim() - self.num_replica_dims - len(shape))
        return self._affine(x_hat.x, x_hat.rule, [*ones, *shape])

    def _fits(self, x: Tensor) -> bool:
        n = len(self.normalized_shape)
        return x.dim() >= self.num_replica_dims + n and tuple(x.shape[-n:]) == self.normalized_shape


@final
class RMSNorm(Affine):
    """y = w x̂, x̂ = x / √(mean x² + ε) over the last axes, of ``normalized_shape``

    With s = 1 / √(mean x² + ε):   dL/dx = s (w g − x̂ mean(w g x̂)),   dL/dw += Σ g x̂

    x (…, any, *shape), w (…, *shape); ε is the dtype's own unless given. Zhang and Sennrich, 2019.
    Raises LayerError unless x ends with this shape, and for another dtype or device.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        self.normalized_shape = as_shape(normalized_shape)
        check_not_negative(eps=eps or 0.0)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self._init_parameters(self.normalized_shape, elementwise_affine, bias=False)
        self.to(device=device, dtype=dtype)

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        shape, n = self.normalized_shape, self.num_replica_dims

        def fits(x: Tensor) -> bool:
            return x.dim() >= n + len(shape) and tuple(x.shape[x.dim() - len(shape) :]) == shape

        sizes = ", ".join(map(str, shape))
        check_input(self, x, f"input (…, {sizes})", fits, like=self._reference())
        dims = list(range(-len(shape), 0))
        eps = torch.finfo(x.dtype).eps if self.eps is None else self.eps
        s = (x.square().mean(dims, keepdim=True) + eps).rsqrt()
        x_hat = x * s

        def rule(g: Tensor) -> Tensor:
            dx: Tensor = s * (g - x_hat * (g * x_hat).mean(dims, keepdim=True))
            return dx

        return self._affine(x_hat, rule, [*[1] * (x.dim() - n - len(shape)), *shape])


@final
class GroupNorm(Affine):
    """y = w x̂ + b, x̂ over each sample's C/G channels of a group        x (…, N, C, any)

    dL/dx: that of normalize. w, b (…, C)        Wu and He, 2018

    Raises ValueError unless ``num_groups`` divides ``num_channels``; LayerError for other shapes,
    another dtype or device, or (as torch does) a batch of one value a group.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        bias: bool = True,
    ) -> None:
        check_whole(num_groups=num_groups, num_channels=num_channels)
        if num_groups < 1 or num_channels % num_groups:
            raise ValueError(
                f"num_groups must divide num_channels, got {num_groups} and {num_channels}"
            )
        self.num_groups, self.num_channels = num_groups, num_channels
        check_not_negative(eps=eps)
        self.eps, self.affine = eps, affine
        self._init_parameters((num_channels,), affine, affine and bias)
        self.to(device=device, dtype=dtype)

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        expected = f"input (N, {self.num_channels}, …) with more than one value a group"
        check_input(self, x, expected, self._fits, like=self._reference())
        C, G = self.num_channels, self.num_groups

        def split_groups(t: Tensor) -> Tensor:
            return torch.unflatten(t, self.num_replica_dims + 1, (G, C // G)).flatten(
                self.num_replica_dims + 2
            )

        x_hat = normalize(split_groups(x), [-1], self.eps)

        def rule(g: Tensor) -> Tensor:
            dx: Tensor = x_hat.rule(split_groups(g))
            return dx.reshape(g.shape)

        ones = [1] * (x.dim() - self.num_replica_dims - 2)
        return self._affine(x_hat.x.reshape(x.shape), rule, [1, self.num_channels, *ones])

    def _fits(self, x: Tensor) -> bool:
        channel = self.num_replica_dims + 1
        if x.dim() <= channel or x.shape[channel] != self.num_channels:
            return False
        return prod(x.shape[self.num_replica_dims :]) != self.num_groups
