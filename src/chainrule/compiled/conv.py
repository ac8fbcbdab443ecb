"""The three convolutions of a Conv2d in the compiled kernel, all replicas in one call.

It multiplies what lies in x alone, no padding, and reads windows where they lie, channels
innermost. Channels of the result are filled up to whole vectors. What it does not do, the plain
functions of :mod:`chainrule.nn.ops.conv` do: other devices and dtypes, one axis, dilation,
groups, dL/dx of a stride, and results whose channels are less than half a vector.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from chainrule._util.threads import kernel_threads, threads_to_the_kernel
from chainrule.compiled.abi import Windows
from chainrule.compiled.build import NUMBERS, kernel
from chainrule.nn.ops import conv as plain
from chainrule.nn.ops.conv import ConvParams, use_conv_backend
from chainrule.nn.ops.padding import pad

__all__ = ["convolve", "convolving"]


@contextmanager
def convolving() -> Iterator[None]:
    """In here, the kernel computes the convolutions that it knows, and has all threads."""
    with threads_to_the_kernel(), use_conv_backend(convolve):
        yield


def convolve(
    f: Callable[..., Tensor], steps: ConvParams, *tensors: Tensor, **more: Any
) -> Tensor | None:
    """f of :mod:`chainrule.nn.ops.conv` for tensors (K or 1, …), or None: not in the kernel."""
    x = tensors[0]
    known = len(steps.kernel) == 2 and steps.groups == 1 and steps.dilation == (1, 1)
    alike = all(t.dtype == x.dtype and t.device.type == "cpu" for t in tensors)
    if not known or not alike or x.dtype not in NUMBERS or not x.numel():
        return None
    return COMPILED[f](steps, *tensors, **more)


def output(steps: ConvParams, x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor | None:
    """x (K, N, C, H, W)   w (K, O, C, k, k)   b (K, O)   result (K, N, O, H', W')"""
    axes = zip(x.shape[-2:], steps.kernel, steps.stride, steps.padding, strict=True)
    sizes = [(n + 2 * p - k) // s + 1 for n, k, s, p in axes]
    return slid(x, w.permute(0, 3, 4, 2, 1), b, sizes, steps.stride, steps.padding)


def input_gradient(
    steps: ConvParams, g: Tensor, w: Tensor, *, sizes: Sequence[int]
) -> Tensor | None:
    """g (K, N, O, H', W')   w (K, O, C, k, k)   result (K, N, C, *sizes)"""
    if steps.stride != (1, 1):
        return None
    margin = [k - 1 - p for k, p in zip(steps.kernel, steps.padding, strict=True)]
    return slid(g, w.flip(3, 4).permute(0, 3, 4, 1, 2), None, sizes, (1, 1), margin)


def weight_gradient(steps: ConvParams, x: Tensor, g: Tensor) -> Tensor | None:
    """x (K, N, C, H, W)   g (K, N, O, H', W')   result (K, O, C, k, k)"""
    channels = g.shape[2]
    if few(channels, g.dtype) or x.shape[1] != g.shape[1]:
        return None  # samples that do not fit are for the plain function to refuse
    padded, _ = pad(x, [(p, p) for p in steps.padding], "zeros")
    x, g = innermost(padded), filled(innermost(g))
    K = max(len(x), len(g))
    at = job(x, g.shape[2:], K, steps.kernel, steps.stride)
    out = x.new_zeros(K, at.parts, *steps.kernel, x.shape[-1], at.O)
    call(at, x, g, None, out, learn=1)
    total = out[:, 0] if at.parts == 1 else out.sum(1)
    return total[..., :channels].permute(0, 4, 3, 1, 2)


COMPILED: dict[Callable[..., Tensor], Callable[..., Tensor | None]] = {
    plain.conv_forward: output,
    plain.conv_input_grad: input_gradient,
    plain.conv_weight_grad: weight_gradient,
}


def slid(
    x: Tensor,
    weight: Tensor,
    b: Tensor | None,
    sizes: Sequence[int],
    stride: Sequence[int],
    margin: Sequence[int],
) -> Tensor | None:
    """weight (K, k, k, C, O) slid over x (K, N, C, H, W) with ``margin`` zeros around."""
    channels = weight.shape[-1]
    if few(channels, x.dtype):
        return None
    x, weight = innermost(x), filled(weight)
    K = max(len(x), len(weight))
    at = job(x, (*sizes, weight.shape[-1]), K, weight.shape[1:3], stride)
    at.top, at.left = margin
    out = x.new_empty(K, x.shape[1], *sizes, at.O)
    call(at, x, weight, None if b is None else filled(b), out, learn=0)
    return out[..., :channels].permute(0, 1, 4, 2, 3)


def innermost(x: Tensor) -> Tensor:
    """(K, N, C, H, W) as (K, N, H, W, C), which lies in memory in this order."""
    return x.permute(0, 1, 3, 4, 2).contiguous()


def width(dtype: torch.dtype) -> int:
    """Numbers of a vector."""
    return int(kernel(dtype).vector_bytes()) // dtype.itemsize


def few(channels: int, dtype: torch.dtype) -> bool:
    """Whether most of a vector would be empty."""
    return 2 * channels < width(dtype)


def filled(t: Tensor) -> Tensor:
    """t, in whole vectors along its last axis: those that were not there are 0."""
    missing = -t.shape[-1] % width(t.dtype)
    return (torch.constant_pad_nd(t, [0, missing]) if missing else t).contiguous()


def job(
    x: Tensor, result: Sequence[int], K: int, window: Sequence[int], stride: Sequence[int]
) -> Windows:
    """The call, but for its tensors        x (K or 1, N, H, W, C)   result (H', W', O)"""
    threads = kernel_threads()
    names = "replicas samples threads parts H W C h w O kh kw sh sw"
    parts = min(x.shape[1], -(-threads // K))  # samples are divided where replicas are few
    values = (K, x.shape[1], threads, parts, *x.shape[2:], *result, *window, *stride)
    return Windows(**dict(zip(names.split(), values, strict=True)))


def call(at: Windows, x: Tensor, other: Tensor, b: Tensor | None, out: Tensor, learn: int) -> None:
    """Do it."""
    at.learn, at.out = learn, out.data_ptr()
    for name, tensor in (("x", x), ("other", other), ("bias", b)):
        if tensor is not None:
            setattr(at, name, tensor.data_ptr())
            setattr(at, f"{name}_stride", tensor.stride(0) if len(tensor) > 1 else 0)
    kernel(x.dtype).convolve_of(ctypes.byref(at))
