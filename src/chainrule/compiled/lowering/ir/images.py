"""Operations on images (C, H, W) of samples: convolutions, pooling, margins, resampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from torch import Tensor

from chainrule.compiled.lowering.ir.modes import GradMode

__all__ = ["Convolution", "Pad", "Pool", "Resample", "TransposedConvolution"]


@dataclass(slots=True)
class Convolution:
    """y (O, h, w, n) = W ⋆ x + b        x (C, H, W, n)   W (O, C, window)

    ``window_offsets`` (C window_size): where a window's entries lie, from its first one;
    ``run_offsets`` (num_runs): where runs of ``run_length`` neighbouring windows begin in x.
    ``winograd`` R: by winograd.h, for windows of R x R, in tiles of ``tile`` x ``tile`` results,
    ``block_tiles`` of them of ``block_samples`` samples at a time; 0: as they are. ``workspace``:
    what it keeps for a step, within that of all operations.
    """

    weight: int
    bias: int
    x: int
    y: int
    n: int
    C: int
    H: int
    W: int
    O: int  # noqa: E741
    h: int
    w: int
    window_size: int
    num_runs: int
    run_length: int
    window_offsets: Tensor
    run_offsets: Tensor
    winograd: int
    tile: int
    bfloat16: bool
    block_tiles: int
    block_samples: int
    workspace: int
    weight_grad: GradMode = GradMode.SKIP
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class TransposedConvolution:
    """y (C, H, W, n) = the sum of W's copies, each times an entry of x, + b        x (O, h, w, n)

    W (O, C, window); y's windows, and all fields, are as if y were the x of a Convolution. dx = W ⋆
    g, dW = Σ the windows of g, each times its x.
    """

    weight: int
    bias: int
    x: int
    y: int
    n: int
    C: int
    H: int
    W: int
    O: int  # noqa: E741
    h: int
    w: int
    window_size: int
    num_runs: int
    run_length: int
    window_offsets: Tensor
    run_offsets: Tensor
    workspace: int
    weight_grad: GradMode = GradMode.SKIP
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class Pool:
    """y (C, windows, n) = the maximum or mean of each window of x (C, channel_size)

    ``window_offsets`` (window_size): where a window's entries lie, from its first one;
    ``starts`` (windows): where the windows begin in a channel of x. ``divisors`` (windows), where
    they are not the window's size: what the sums of a mean are divided by.
    """

    mean: bool
    x: int
    y: int
    n: int
    C: int
    channel_size: int
    windows: int
    window_size: int
    window_offsets: Tensor
    starts: Tensor
    divisors: Annotated[Tensor | None, "const double *"]
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class Pad:
    """y (C, h, w, n) = x (C, H, W, n) with a margin of ``fill`` around; one below 0 is cut off."""

    x: int
    y: int
    n: int
    C: int
    H: int
    W: int
    h: int
    w: int
    top: int
    left: int
    fill: float
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class Resample:
    """y (C, pixels, n): of each channel of x (C, channel_size), sums of rows times their weights

    Pixel i is made of the entries from ``starts[i]`` to ``starts[i + 1]`` of ``sources``, which say
    where in a channel the rows lie, and of ``weights``.        dx += g times these weights
    """

    x: int
    y: int
    n: int
    C: int
    channel_size: int
    pixels: int
    starts: Tensor
    sources: Tensor
    weights: Annotated[Tensor, "const double *"]
    x_grad: GradMode = GradMode.SKIP
