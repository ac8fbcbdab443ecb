"""Normalizations and dropout."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from chainrule.compiled.lowering.ir.modes import GradMode

__all__ = ["BatchNormalize", "DrawMask", "Drop", "Normalize"]


@dataclass(slots=True)
class Normalize:
    """y = w (x − μ) / √(σ² + ε) + b, μ and σ² over each ``group_rows`` rows        x, y (rows, n)

    Row r has weight and bias number (r / ``rows_per_weight``) mod ``weights``. ``moments``
    (2 groups, n): μ and 1 / √(σ² + ε), kept for the way back. Where it is not ``centred`` μ is 0.
    An ε below 0 is that of the numbers' type.
    """

    weight: int
    bias: int
    x: int
    y: int
    moments: int
    rows: int
    n: int
    group_rows: int
    rows_per_weight: int
    weights: int
    eps: float
    centred: bool
    weight_grad: GradMode = GradMode.SKIP
    bias_grad: GradMode = GradMode.SKIP
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class BatchNormalize:
    """y = w (x − μ) / √(σ² + ε) + b of each channel, of ``pixels`` rows        x, y (rows, n)

    In training μ and σ² are those of ``lanes`` (num_lanes), blocks of the batch, which has to be
    one chunk, and move the running ones; else the running ones. ``running_mean``, ``running_var``,
    ``num_batches``: which of the buffers they are, or NOWHERE. ``momentum`` below 0: the running
    ones are the mean of all batches. ``moments`` (3, channels) of a step's workspace: the rounded
    mean, the rest of it, 1 / √(σ² + ε).
    """

    training: bool
    weight: int
    bias: int
    running_mean: int
    running_var: int
    num_batches: int
    x: int
    y: int
    n: int
    channels: int
    pixels: int
    lanes: Tensor
    num_lanes: int
    moments: int
    eps: float
    momentum: float
    weight_grad: GradMode = GradMode.SKIP
    bias_grad: GradMode = GradMode.SKIP
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class DrawMask:
    """m (draws, n), drawn anew for n samples of a lane: 0 with probability p, else 1 / (1 − p)

    ``layer``: which dropout it is of; ``use``: which of its uses in a step. A use has ``num_lanes``
    blocks of the batch, and this is number ``lane``: so the draws of a sample are numbered.
    """

    layer: int
    use: int
    mask: int
    ld: int
    draws: int
    lane: int
    num_lanes: int


@dataclass(slots=True)
class Drop:
    """y = x m        x, y (rows, n), m (rows / pixels, n): each ``pixels`` rows share one of m

    dx = g m
    """

    x: int
    y: int
    mask: int
    rows: int
    n: int
    pixels: int
    x_grad: GradMode = GradMode.SKIP
