"""The three convolutions of one net, along one axis or two; what is fast and ugly lives here.

N samples, C input and O output channels, G groups, H (and W) sizes, k kernel, s stride, p padding,
d dilation. On a CPU the results of two axes have the channels innermost in memory (torch's
channels_last): so the entries of a window lie together, and one copy and one product of matrices
give dL/dW. Each function is one line of algebra; a test holds it equal to that line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor

from chainrule.nn.ops.padding import pad

__all__ = [
    "ConvParams",
    "conv_forward",
    "conv_input_grad",
    "conv_weight_grad",
    "dilated_extent",
    "map_replicas",
    "stack_replicas",
]

CHUNK_BYTES = 2 * 2**20
"""How much of the windows is copied out at once: few enough to stay in the cache."""


class ConvParams(NamedTuple):
    """How a window moves: k, s, p and d, one an axis; and G."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int


def map_replicas(
    f: Callable[..., Tensor],
    params: ConvParams,
    *tensors: Tensor,
    replicas: int | None,
    dtype: torch.dtype | None,
    **more: Any,
) -> Tensor:
    """f(params, *tensors) for each replica, one after the other: each fills a core by itself.

    tensors (K or 1, …), without K for a plain net. With ``dtype`` f computes in that.
    """
    own = tensors[0].dtype
    short = dtype or own
    if replicas is None:
        return f(params, *(t.to(short) for t in tensors), **more).to(own)
    parts = zip(*(t.expand(replicas, *t.shape[1:]) for t in tensors), strict=True)
    return stack_replicas(
        replicas, own, (f(params, *(t.to(short) for t in part), **more) for part in parts)
    )


def dilated_extent(kernel: Sequence[int], dilation: Sequence[int]) -> tuple[int, ...]:
    """d (k − 1): from a window's first entry to its last, for each axis."""
    return tuple(d * (k - 1) for d, k in zip(dilation, kernel, strict=True))


def conv_forward(params: ConvParams, x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    """W ⋆ x + b        x (N, C, H, …)   W (O, C/G, k, …)   b (O,)   result (N, O, H', …)"""
    conv_nd = torch.conv1d if w.dim() == 3 else torch.conv2d
    if w.device.type == "cpu":  # torch goes by the weight where x does not tell
        if fails_in_channels_last(params, x, w):
            x, w = (t.clone(memory_format=torch.contiguous_format) for t in (x, w))
        elif w.dim() == 4:
            w = w.clone(memory_format=torch.channels_last)
    return conv_nd(x, w, b, params.stride, params.padding, params.dilation, params.groups)


def fails_in_channels_last(params: ConvParams, x: Tensor, w: Tensor) -> bool:
    """Whether torch may compute this from memory that nobody wrote, with the channels innermost.

    Measured with torch 2.13 (oneDNN 3.12, AVX-512) and NaN in all fresh memory. Each time there
    was a stride along the last axis; the contiguous layout, float64 and AVX2 were always right:
    - float32, one channel a group, a result one entry wide: half of all shapes wrong;
    - bfloat16: these, and others with more channels, and writes past the end of a tensor.
    """
    stride, width = params.stride[-1], x.shape[-1] + 2 * params.padding[-1]
    one_wide = width <= dilated_extent(params.kernel, params.dilation)[-1] + stride
    return stride > 1 and (x.element_size() < 4 or (w.shape[1] == 1 and one_wide))


def conv_input_grad(params: ConvParams, g: Tensor, w: Tensor, *, sizes: Sequence[int]) -> Tensor:
    """g↑ ⋆ W turned round        g (N, O, H', …)   W as (C, O/G, k, …)   result (N, C, *sizes)

    g↑ has s − 1 zeros between the entries of g, and is padded by d (k − 1) − p.
    """
    grouped = torch.unflatten(w, 0, (params.groups, -1)).transpose(1, 2).flatten(0, 1)
    flipped = grouped.flip(tuple(range(2, w.dim())))
    spans = zip(dilated_extent(params.kernel, params.dilation), params.padding, strict=True)
    margin = tuple(span - p for span, p in spans)
    if prod(params.stride) > 1:
        axes = zip(sizes, params.padding, margin, strict=True)
        spread = g.new_zeros(*g.shape[:2], *(n + p - m for n, p, m in axes))
        at_strides: Any = (..., *(slice(None, None, s) for s in params.stride))
        spread[at_strides] = g
        g = spread
    once = params._replace(stride=(1,) * len(margin), padding=margin)
    return conv_forward(once, g, flipped)


def conv_weight_grad(params: ConvParams, x: Tensor, g: Tensor) -> Tensor:
    """Σ window ⊗ g over samples and positions        x (N, C, H, …)   g (N, O, H', …), N > 0

    The result is (O, C/G, k, …). One product of all windows, copied out, and g; where they are
    many, of some samples at a time.
    """
    x, _ = pad(x, [(p, p) for p in params.padding], "zeros")
    size = x.element_size() * prod((x.shape[1], *g.shape[2:], *params.kernel))
    chunk = max(1, CHUNK_BYTES // size)
    parts = zip(torch.split(x, chunk), torch.split(g, chunk), strict=True)
    products = [torch.bmm(im2col(params, a), grad_columns(params, b)) for a, b in parts]
    if x.element_size() < 4:  # the sum of many is not for a short dtype
        products = [product.float() for product in products]
    dw = torch.unflatten(sum(products[1:], products[0]), 1, (*params.kernel, -1))
    return dw.movedim((-1, -2), (1, 2)).flatten(0, 1)  # it was (G, k, …, C/G, O/G)


def im2col(params: ConvParams, x: Tensor) -> Tensor:
    """The windows of a padded x, a column each: (G, k … C/G, N H' …), copied as they lie."""
    n, windows = len(params.kernel), torch.unflatten(x, 1, (params.groups, -1))
    spans = zip(
        dilated_extent(params.kernel, params.dilation), params.stride, params.dilation, strict=True
    )
    for axis, (span, s, d) in enumerate(spans, 3):
        windows = windows.unfold(axis, span + 1, s)[..., ::d]
    places, window = (0, *range(3, 3 + n)), (*range(3 + n, 3 + 2 * n), 2)
    rows = prod(params.kernel) * windows.shape[2]
    if x.shape[1] > 1 == x.stride(1):  # channels innermost
        return windows.permute(1, *places, *window).reshape(params.groups, -1, rows).mT
    return windows.permute(1, *window, *places).reshape(params.groups, rows, -1)


def grad_columns(params: ConvParams, g: Tensor) -> Tensor:
    """g (N, O, H', …) as (G, N H' …, O/G)"""
    columns = g.movedim(1, -1).flatten(0, -2)
    return torch.unflatten(columns, 1, (params.groups, -1)).transpose(0, 1)


def stack_replicas(count: int, dtype: torch.dtype, parts: Iterable[Tensor]) -> Tensor:
    """torch.stack of so many, each copied as soon as it is there: it is still in the cache then.

    Each part lies in memory as it did        parts: dense, and all alike
    """
    stacked: Tensor | None = None
    for k, part in enumerate(parts):
        if stacked is None:
            shape, strides = (count, *part.shape), (part.numel(), *part.stride())
            stacked = part.new_empty_strided(shape, strides, dtype=dtype)
        stacked[k].copy_(part)
    if stacked is None:
        raise ValueError("there is nothing to stack")
    return stacked
