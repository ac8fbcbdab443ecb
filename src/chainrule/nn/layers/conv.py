"""Convolutions: Conv1d, Conv2d.

N samples, C input and O output channels, G groups, H (and W) sizes, k kernel, s stride, p padding,
d dilation. Both layers are the same three convolutions, along one axis or two.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable
from math import prod
from typing import Any, ClassVar, final

import torch
from torch import Tensor

from chainrule.nn.errors import check_input
from chainrule.nn.init import Initializer
from chainrule.nn.layers.linear import WeightedLayer
from chainrule.nn.ops.conv import (
    ConvParams,
    conv_forward,
    conv_input_grad,
    conv_weight_grad,
    dilated_extent,
    map_replicas,
)
from chainrule.nn.ops.padding import MODES, pad, to_tuple
from chainrule.nn.vjp import BackwardFn, ChainRule, accumulate_param_grads

__all__ = ["Conv1d", "Conv2d"]

Sizes = int | tuple[int, ...]


class Conv(WeightedLayer, ABC):
    """y = W ⋆ x + b, a window of k entries every s-th step        ⋆: sliding products, summed

    With g = dL/dy, and g↑ = g with s − 1 zeros between its entries, as a stride of 1 has them:
    dL/dx = g↑ padded by d (k − 1) − p, ⋆ W turned round, with O and C swapped
    dL/dW += Σ the windows of x, each times its g        over samples and positions
    dL/db += Σ g over samples and positions
    """

    axes: ClassVar[int]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        init: Initializer | None = None,
    ) -> None:
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.dilation = kernel_size, stride, dilation
        self.padding, self.padding_mode = padding, padding_mode
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"groups must divide in_channels and out_channels, got {groups} for "
                f"{in_channels} and {out_channels}"
            )
        if padding_mode not in MODES:
            raise ValueError(f"padding_mode is one of {', '.join(MODES)}; got {padding_mode!r}")
        self._kernel = to_tuple("kernel_size", kernel_size, self.axes, 1)
        self._stride = to_tuple("stride", stride, self.axes, 1)
        self._dilation = to_tuple("dilation", dilation, self.axes, 1)
        self._dilated_extent = dilated_extent(self._kernel, self._dilation)
        self._set_padding()
        self._steps = ConvParams(self._kernel, self._stride, self._p, self._dilation, groups)
        shape = (out_channels, in_channels // groups, *self._kernel)
        self._init_parameters(shape, bias, init, device=device, dtype=dtype)

    def _set_padding(self) -> None:
        """p, the padding that the convolution does itself, and the edges that are added before."""
        if self.padding == "same" and prod(self._stride) > 1:
            raise ValueError(f"padding='same' needs a stride of 1, got {self.stride}")
        if self.padding == "same":
            edges = [(reach // 2, reach - reach // 2) for reach in self._dilated_extent]
        elif isinstance(self.padding, str) and self.padding != "valid":
            raise ValueError(f"padding is a number, 'same' or 'valid'; got {self.padding!r}")
        else:
            given = 0 if self.padding == "valid" else self.padding
            edges = [(p, p) for p in to_tuple("padding", given, self.axes, 0)]
        within = zip(edges, self._dilated_extent, strict=True)
        own = self.padding_mode == "zeros" and all(a == b <= reach for (a, b), reach in within)
        self._p = tuple(a if own else 0 for a, _ in edges)
        self._edges, self._added = edges, [] if own else edges

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x, self._expected(), self._fits, like=self.weight.data)
        return (
            self._one_sample(x)
            if x.dim() == self.num_replica_dims + 1 + self.axes
            else self._batch(x)
        )

    def _batch(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        weight, bias = self.weight, self.bias
        x, fold = pad(x, self._added, self.padding_mode)
        b = () if bias is None else (bias.data,)
        y = self._each(conv_forward, x, weight.data, *b)
        positions = [self.num_replica_dims, *range(self.num_replica_dims + 2, y.dim())]

        def parameters(g: Tensor) -> None:
            if g.numel():  # an empty batch adds nothing
                weight.grad += self._each(conv_weight_grad, x, g)
            if bias is not None:
                bias.grad += g.sum(positions)

        def backward(g: Tensor) -> Tensor:
            parameters(g)
            sizes = x.shape[-self.axes :]
            dx: Tensor = fold(self._each(conv_input_grad, g, weight.data, sizes=sizes))
            return dx

        return y, ChainRule(backward, parameters)

    def _each(self, f: Callable[..., Tensor], *tensors: Tensor, **more: Any) -> Tensor:
        """f for each replica."""
        K, dtype = self.replicas, self.matmul_dtype
        return map_replicas(f, self._steps, *tensors, replicas=K, dtype=dtype, **more)

    def _one_sample(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        y, rule = self._batch(x.unsqueeze(self.num_replica_dims))

        def whole(g: Tensor) -> Tensor:
            dx: Tensor = rule(g.unsqueeze(self.num_replica_dims))
            return dx.squeeze(self.num_replica_dims)

        return y.squeeze(self.num_replica_dims), ChainRule(
            whole, lambda g: accumulate_param_grads(rule, g.unsqueeze(self.num_replica_dims))
        )

    def _min_input_size(self) -> list[int]:
        """The smallest size of input along each axis: one window fits, the padding has sources."""
        pads = {"reflect": 1, "circular": 0}
        return [
            max(1, 1 + reach - a - b, max(a, b) + pads.get(self.padding_mode, -max(a, b)))
            for reach, (a, b) in zip(self._dilated_extent, self._edges, strict=True)
        ]

    def _expected(self) -> str:
        sizes = ", ".join(f"≥{n}" for n in self._min_input_size())
        return f"input (N, {self.in_channels}, {sizes}) or ({self.in_channels}, {sizes})"

    def _fits(self, x: Tensor) -> bool:
        sizes = x.shape[-self.axes :]
        return (
            x.dim() - self.num_replica_dims - self.axes in (1, 2)
            and x.shape[-1 - self.axes] == self.in_channels
            and all(n >= least for n, least in zip(sizes, self._min_input_size(), strict=True))
        )

    def multiply_adds(self, inputs: Tensor, output: Tensor) -> int:
        return output.numel() * self.in_channels // self.groups * prod(self._kernel)


@final
class Conv1d(Conv):
    """y = W ⋆ x + b        x (…, N, C, L)   W (…, O, C/G, k)   b (…, O)   y (…, N, O, L')

    Formulas and arguments: Conv, with one axis; L' = ⌊(L + 2p − d (k − 1) − 1) / s⌋ + 1. Also x
    (…, C, L), one sample. Raises LayerError for other shapes, or another dtype or device than
    the weight's; ValueError for arguments that contradict each other.
    """

    axes = 1


@final
class Conv2d(Conv):
    """y = W ⋆ x + b        x (…, N, C, H, W)   W (…, O, C/G, k, k)   b (…, O)   y (…, N, O, H', W')

    Formulas and arguments: Conv, with two axes; H' = ⌊(H + 2p − d (k − 1) − 1) / s⌋ + 1. Also x
    (…, C, H, W), one sample. ``padding`` is a number, one an axis, 'same' or 'valid';
    ``padding_mode`` is 'zeros', 'reflect', 'replicate' or 'circular'. Raises LayerError for other
    shapes, or another dtype or device than the weight's; ValueError for arguments that
    contradict each other.
    """

    axes = 2
