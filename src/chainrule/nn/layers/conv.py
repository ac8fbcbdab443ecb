"""Convolutions: Conv1d, Conv2d.

N samples, C input and O output channels, G groups, H (and W) sizes, k kernel, s stride, p padding,
d dilation. Both layers are the same three convolutions, along one axis or two.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from math import prod
from typing import Any, ClassVar, final

import torch
from torch import Tensor

from chainrule._util.kinds import check_whole
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
from chainrule.nn.ops.padding import PADDING_MODES, pad, to_tuple
from chainrule.nn.vjp import BackwardFn, ChainRule, accumulate_param_grads

__all__ = ["Conv1d", "Conv2d", "ConvBase", "Sizes", "check_groups"]

Sizes = int | tuple[int, ...]


class ConvBase(WeightedLayer, ABC):
    """A layer of windows along ``axes`` axes; one sample alone is a batch of one."""

    axes: ClassVar[int]
    params: ConvParams

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x, self._expected_shape(), self._fits, like=self.weight.data)
        n = self.num_replica_dims
        if x.dim() > n + 1 + self.axes:
            return self._forward_batch(x)
        y, rule = self._forward_batch(x.unsqueeze(n))

        def backward(g: Tensor) -> Tensor:
            dx: Tensor = rule(g.unsqueeze(n))
            return dx.squeeze(n)

        def params_only(g: Tensor) -> None:
            accumulate_param_grads(rule, g.unsqueeze(n))

        return y.squeeze(n), ChainRule(backward, params_only)

    @abstractmethod
    def _forward_batch(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        """The same for (N, C, L) or (N, C, H, W)."""

    @abstractmethod
    def _expected_shape(self) -> str:
        """What x may be, in words."""

    @abstractmethod
    def _fits(self, x: Tensor) -> bool:
        """Whether x may be so."""

    def _map_replicas(self, f: Callable[..., Tensor], *tensors: Tensor, **more: Any) -> Tensor:
        """f for each replica."""
        K, dtype = self.replicas, self.matmul_dtype
        return map_replicas(f, self.params, *tensors, replicas=K, dtype=dtype, **more)


def check_groups(groups: int, in_channels: int, out_channels: int) -> None:
    """Raise ValueError unless the channels can be divided so."""
    check_whole(in_channels=in_channels, out_channels=out_channels, groups=groups)
    if groups < 1 or in_channels % groups or out_channels % groups:
        raise ValueError(
            f"groups must divide in_channels and out_channels, got {groups} for "
            f"{in_channels} and {out_channels}"
        )


class Conv(ConvBase, ABC):
    """y = W ⋆ x + b, a window of k entries every s-th step        ⋆: sliding products, summed

    With g = dL/dy, and g↑ = g with s − 1 zeros between its entries, as a stride of 1 has them:
    dL/dx = g↑ padded by d (k − 1) − p, ⋆ W turned round, with O and C swapped
    dL/dW += Σ the windows of x, each times its g        over samples and positions
    dL/db += Σ g over samples and positions
    """

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
        check_groups(groups, in_channels, out_channels)
        if padding_mode not in PADDING_MODES:
            raise ValueError(
                f"padding_mode is one of {', '.join(PADDING_MODES)}; got {padding_mode!r}"
            )
        kernel = to_tuple("kernel_size", kernel_size, self.axes, 1)
        strides = to_tuple("stride", stride, self.axes, 1)
        dilations = to_tuple("dilation", dilation, self.axes, 1)
        self._dilated_extent = dilated_extent(kernel, dilations)
        self.edges = self._edges(strides)
        own = self._pads_by_itself()
        paddings = tuple(before if own else 0 for before, _ in self.edges)
        self._added_edges = [] if own else self.edges
        self.params = ConvParams(kernel, strides, paddings, dilations, groups)
        shape = (out_channels, in_channels // groups, *kernel)
        self._init_parameters(shape, bias, init, device=device, dtype=dtype)

    def _edges(self, strides: tuple[int, ...]) -> list[tuple[int, int]]:
        """How many entries of padding come before and after x, for each axis."""
        if self.padding == "same":
            if prod(strides) > 1:
                raise ValueError(f"padding='same' needs a stride of 1, got {self.stride}")
            return [(extent // 2, extent - extent // 2) for extent in self._dilated_extent]
        if isinstance(self.padding, str) and self.padding != "valid":
            raise ValueError(f"padding is a number, 'same' or 'valid'; got {self.padding!r}")
        padding = 0 if self.padding == "valid" else self.padding
        return [(p, p) for p in to_tuple("padding", padding, self.axes, 0)]

    def _pads_by_itself(self) -> bool:
        """Whether the convolution does the padding itself; else x is padded before it."""
        edges = zip(self.edges, self._dilated_extent, strict=True)
        return self.padding_mode == "zeros" and all(a == b <= extent for (a, b), extent in edges)

    def _forward_batch(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        weight, bias = self.weight, self.bias
        x, fold = pad(x, self._added_edges, self.padding_mode)
        b = () if bias is None else (bias.data,)
        y = self._map_replicas(conv_forward, x, weight.data, *b)
        positions = [self.num_replica_dims, *range(self.num_replica_dims + 2, y.dim())]

        def params_only(g: Tensor) -> None:
            if g.numel():  # an empty batch adds nothing
                weight.grad += self._map_replicas(conv_weight_grad, x, g)
            if bias is not None:
                bias.grad += g.sum(positions)

        def backward(g: Tensor) -> Tensor:
            params_only(g)
            sizes = x.shape[-self.axes :]
            dx: Tensor = fold(self._map_replicas(conv_input_grad, g, weight.data, sizes=sizes))
            return dx

        return y, ChainRule(backward, params_only)

    def _min_input_size(self) -> list[int]:
        """The smallest size of input along each axis: one window fits, the padding has sources."""
        pads = {"reflect": 1, "circular": 0}
        return [
            max(1, 1 + reach - a - b, max(a, b) + pads.get(self.padding_mode, -max(a, b)))
            for reach, (a, b) in zip(self._dilated_extent, self.edges, strict=True)
        ]

    def _expected_shape(self) -> str:
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
        return output.numel() * self.in_channels // self.groups * prod(self.params.kernel)


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
