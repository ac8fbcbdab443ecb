"""Transposed convolutions: ConvTranspose1d, ConvTranspose2d.

N samples, C input and O output channels, G groups, H (and W) sizes, k kernel, s stride, p padding,
d dilation. A convolution's dL/dx is such a layer, and such a layer's dL/dx is a convolution: both
have the same three functions, in other roles.
"""

from __future__ import annotations

from abc import ABC
from math import prod
from typing import Any, final

import torch
from torch import Tensor

from chainrule.nn.errors import AXES
from chainrule.nn.init import Initializer
from chainrule.nn.layers.conv import ConvBase, Sizes, check_groups
from chainrule.nn.ops.conv import (
    ConvParams,
    conv_forward,
    conv_input_grad,
    conv_weight_grad,
    dilated_extent,
)
from chainrule.nn.ops.padding import to_tuple
from chainrule.nn.vjp import BackwardFn, ChainRule

__all__ = ["ConvTranspose1d", "ConvTranspose2d"]


class ConvTranspose(ConvBase, ABC):
    """y = the sum of copies of W, each times an entry of x, s steps apart, + b

    It is x↑ padded by d (k − 1), ⋆ W turned round: what a convolution's dL/dx is. ``padding`` p
    cuts p entries off each side, ``output_padding`` adds to the end. With g = dL/dy, 0 where cut:
    dL/dx = W ⋆ g, with stride s
    dL/dW += Σ the windows of g, each times its x        over samples and positions
    dL/db += Σ g over samples and positions

    H' = (H − 1) s − 2p + d (k − 1) + ``output_padding`` + 1. Also one sample, without N. Raises
    LayerError for other shapes, or another dtype or device than the weight's; ValueError for
    arguments that contradict each other.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        init: Initializer | None = None,
    ) -> None:
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.dilation = kernel_size, stride, dilation
        self.padding, self.output_padding = padding, output_padding
        self.padding_mode = padding_mode
        check_groups(groups, in_channels, out_channels)
        if padding_mode != "zeros":
            raise ValueError(f"padding_mode is 'zeros', got {padding_mode!r}")
        kernel = to_tuple("kernel_size", kernel_size, self.axes, 1)
        self.params = ConvParams(
            kernel,
            to_tuple("stride", stride, self.axes, 1),
            (0,) * self.axes,
            to_tuple("dilation", dilation, self.axes, 1),
            groups,
        )
        before = to_tuple("padding", padding, self.axes, 0)
        more = to_tuple("output_padding", output_padding, self.axes, 0)
        # how many entries the sum of all copies gains (or loses) before and after, an axis each
        self.margins = [(-p, m - p) for p, m in zip(before, more, strict=True)]
        steps = zip(more, self.params.stride, self.params.dilation, strict=True)
        if any(m >= max(s, d) for m, s, d in steps):
            raise ValueError(
                f"output_padding is less than the stride or the dilation, got {output_padding!r}"
            )
        shape = (in_channels, out_channels // groups, *kernel)
        self._init_parameters(shape, bias, init, outputs=out_channels, device=device, dtype=dtype)

    def _forward_batch(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        weight, bias = self.weight, self.bias
        full = self._map_replicas(conv_input_grad, x, weight.data, sizes=self._full_size(x))
        widths = [n for pair in reversed(self.margins) for n in pair]
        y, back, ones = torch.constant_pad_nd(full, widths), [-n for n in widths], [1] * self.axes
        if bias is not None:
            y = y + bias.data.reshape(*bias.data.shape[:-1], 1, self.out_channels, *ones)
        positions = [self.num_replica_dims, *range(self.num_replica_dims + 2, y.dim())]

        def params_only(g: Tensor) -> None:
            if g.numel():  # an empty batch adds nothing
                whole = torch.constant_pad_nd(g, back)
                weight.grad += self._map_replicas(conv_weight_grad, whole, x)
            if bias is not None:
                bias.grad += g.sum(positions)

        def backward(g: Tensor) -> Tensor:
            params_only(g)
            return self._map_replicas(conv_forward, torch.constant_pad_nd(g, back), weight.data)

        return y, ChainRule(backward, params_only)

    def _full_size(self, x: Tensor) -> list[int]:
        """The sizes of all copies together, before ``padding`` cuts them."""
        extent = dilated_extent(self.params.kernel, self.params.dilation)
        axes = zip(x.shape[-self.axes :], self.params.stride, extent, strict=True)
        return [(n - 1) * s + span + 1 for n, s, span in axes]

    def _expected_shape(self) -> str:
        sizes = ", ".join(AXES[self.axes])
        return (
            f"input (N, {self.in_channels}, {sizes}) or ({self.in_channels}, {sizes}), large enough"
        )

    def _fits(self, x: Tensor) -> bool:
        return (
            x.dim() - self.num_replica_dims - self.axes in (1, 2)
            and x.shape[-1 - self.axes] == self.in_channels
            and min(x.shape[-self.axes :]) > 0
            and all(
                n + a + b > 0 for n, (a, b) in zip(self._full_size(x), self.margins, strict=True)
            )
        )

    def multiply_adds(self, inputs: Tensor, output: Tensor) -> int:
        return inputs.numel() * self.out_channels // self.groups * prod(self.params.kernel)


@final
class ConvTranspose1d(ConvTranspose):
    """y: a convolution's way back        x (…, N, C, L)   W (…, C, O/G, k)   y (…, N, O, L')

    Formulas, sizes and errors: ConvTranspose, with one axis.
    """

    axes = 1


@final
class ConvTranspose2d(ConvTranspose):
    """y: a convolution's way back        x (…, N, C, H, W)   W (…, C, O/G, k, k)


    Formulas, sizes and errors: ConvTranspose, with two axes; y (…, N, O, H', W').
    Zeiler et al., 2010.
    """

    axes = 2
