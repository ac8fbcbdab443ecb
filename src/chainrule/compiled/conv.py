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

from chainrule._util.threads import give_threads_to_kernel, kernel_threads
from chainrule.compiled.abi import Conv2dArgs
from chainrule.compiled.build import SCALAR_TYPES, kernel
from chainrule.nn.ops import conv as plain
from chainrule.nn.ops.conv import ConvParams, use_conv_backend
from chainrule.nn.ops.padding import pad

__all__ = ["compute_convolution", "use_compiled_convolutions"]


@contextmanager
def use_compiled_convolutions() -> Iterator[None]:
    """In here, the kernel computes the convolutions that it knows, and has all threads."""
    with give_threads_to_kernel(), use_conv_backend(compute_convolution):
        yield


def compute_convolution(
    f: Callable[..., Tensor], params: ConvParams, *tensors: Tensor, **options: Any
) -> Tensor | None:
    """f of :mod:`chainrule.nn.ops.conv` for tensors (K or 1, …), or None: not in the kernel."""
    x = tensors[0]
    supported = len(params.kernel) == 2 and params.groups == 1 and params.dilation == (1, 1)
    uniform = all(t.dtype == x.dtype and t.device.type == "cpu" for t in tensors)
    if not supported or not uniform or x.dtype not in SCALAR_TYPES or not x.numel():
        return None
    return COMPILED[f](params, *tensors, **options)


def compute_output(
    params: ConvParams, x: Tensor, w: Tensor, b: Tensor | None = None
) -> Tensor | None:
    """x (K, N, C, H, W)   w (K, O, C, k, k)   b (K, O)   result (K, N, O, H', W')"""
    axes = zip(x.shape[-2:], params.kernel, params.stride, params.padding, strict=True)
    sizes = [(n + 2 * p - k) // s + 1 for n, k, s, p in axes]
    weight = w.permute(0, 3, 4, 2, 1)
    return convolve_channels_last(x, weight, b, sizes, params.stride, params.padding)


def compute_input_grad(
    params: ConvParams, g: Tensor, w: Tensor, *, sizes: Sequence[int]
) -> Tensor | None:
    """g (K, N, O, H', W')   w (K, O, C, k, k)   result (K, N, C, *sizes)"""
    if params.stride != (1, 1):
        return None
    margin = [k - 1 - p for k, p in zip(params.kernel, params.padding, strict=True)]
    weight = w.flip(3, 4).permute(0, 3, 4, 1, 2)
    return convolve_channels_last(g, weight, None, sizes, (1, 1), margin)


def compute_weight_grad(params: ConvParams, x: Tensor, g: Tensor) -> Tensor | None:
    """x (K, N, C, H, W)   g (K, N, O, H', W')   result (K, O, C, k, k)"""
    channels = g.shape[2]
    if is_mostly_padding(channels, g.dtype) or x.shape[1] != g.shape[1]:
        return None  # samples that do not fit are for the plain function to refuse
    padded, _ = pad(x, [(p, p) for p in params.padding], "zeros")
    x, g = to_channels_last(padded), pad_channels(to_channels_last(g))
    K = max(len(x), len(g))
    args = build_conv_args(x, g.shape[2:], K, params.kernel, params.stride)
    args.weight_grad = True
    out = x.new_zeros(K, args.sample_blocks, *params.kernel, x.shape[-1], args.O)
    launch_conv(args, x, g, None, out)
    total = out[:, 0] if args.sample_blocks == 1 else out.sum(1)
    return total[..., :channels].permute(0, 4, 3, 1, 2)


COMPILED: dict[Callable[..., Tensor], Callable[..., Tensor | None]] = {
    plain.conv_forward: compute_output,
    plain.conv_input_grad: compute_input_grad,
    plain.conv_weight_grad: compute_weight_grad,
}


def convolve_channels_last(
    x: Tensor,
    weight: Tensor,
    b: Tensor | None,
    sizes: Sequence[int],
    stride: Sequence[int],
    margin: Sequence[int],
) -> Tensor | None:
    """weight (K, k, k, C, O) slid over x (K, N, C, H, W) with ``margin`` zeros around."""
    channels = weight.shape[-1]
    if is_mostly_padding(channels, x.dtype):
        return None
    x, weight = to_channels_last(x), pad_channels(weight)
    K = max(len(x), len(weight))
    args = build_conv_args(x, (*sizes, weight.shape[-1]), K, weight.shape[1:3], stride)
    args.top, args.left = margin
    out = x.new_empty(K, x.shape[1], *sizes, args.O)
    launch_conv(args, x, weight, None if b is None else pad_channels(b), out)
    return out[..., :channels].permute(0, 1, 4, 2, 3)


def to_channels_last(x: Tensor) -> Tensor:
    """(K, N, C, H, W) as (K, N, H, W, C), which lies in memory in this order."""
    return x.permute(0, 1, 3, 4, 2).contiguous()


def vector_width(dtype: torch.dtype) -> int:
    """Numbers of a vector."""
    return int(kernel(dtype).vector_bytes()) // dtype.itemsize


def is_mostly_padding(channels: int, dtype: torch.dtype) -> bool:
    """Whether most of a vector of channels would be empty."""
    return 2 * channels < vector_width(dtype)


def pad_channels(t: Tensor) -> Tensor:
    """t, in whole vectors along its last axis: those that were not there are 0."""
    missing = -t.shape[-1] % vector_width(t.dtype)
    return (torch.constant_pad_nd(t, [0, missing]) if missing else t).contiguous()


def build_conv_args(
    x: Tensor, result: Sequence[int], K: int, window: Sequence[int], stride: Sequence[int]
) -> Conv2dArgs:
    """The call, but for its tensors        x (K or 1, N, H, W, C)   result (H', W', O)"""
    threads = kernel_threads()
    args = Conv2dArgs(replicas=K, samples=x.shape[1], threads=threads)
    args.sample_blocks = min(x.shape[1], -(-threads // K))  # divided where replicas are few
    args.H, args.W, args.C = x.shape[2:]
    args.h, args.w, args.O = result
    args.kh, args.kw = window
    args.stride_h, args.stride_w = stride
    return args


def launch_conv(args: Conv2dArgs, x: Tensor, other: Tensor, b: Tensor | None, out: Tensor) -> None:
    """Run the kernel on these tensors."""
    args.out = out.data_ptr()
    for name, tensor in (("x", x), ("other", other), ("bias", b)):
        if tensor is not None:
            setattr(args, name, tensor.data_ptr())
            setattr(args, f"{name}_stride", tensor.stride(0) if len(tensor) > 1 else 0)
    kernel(x.dtype).run_conv2d(ctypes.byref(args))
