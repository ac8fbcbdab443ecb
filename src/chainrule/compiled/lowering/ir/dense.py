"""Operations on rows of samples: products, functions entry by entry, attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from torch import Tensor

from chainrule.compiled.lowering.ir.modes import ActivationKind, GradMode, MapKind

__all__ = [
    "Activation",
    "AddConstants",
    "Attention",
    "LessEqual",
    "Map",
    "Matmul",
    "Multiply",
    "ParametricReLU",
]


@dataclass(slots=True)
class Matmul:
    """y (m, n) = W (m, k) x (k, n) + b, or += with ``accumulate``

    dW = g xᵀ,   dx = Wᵀ g
    """

    weight: int
    ldw: int
    bias: int
    x: int
    ldx: int
    y: int
    ldy: int
    m: int
    k: int
    n: int
    accumulate: bool
    weight_grad: GradMode = GradMode.SKIP
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class Activation:
    """y (rows, n) = f(y) in place, where f has up to two constants.

    g ← g f'(y), in place too;   db = the sums of g, each over ``rows_per_bias`` rows
    """

    kind: ActivationKind
    y: int
    ldy: int
    rows: int
    n: int
    alpha: float
    beta: float
    bias: int
    rows_per_bias: int
    bias_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class Map:
    """y (rows, n) = f(x), or += f(x) with ``accumulate``; f has up to two constants.

    dx = g f'(x)
    """

    kind: MapKind
    x: int
    ldx: int
    y: int
    ldy: int
    rows: int
    n: int
    alpha: float
    beta: float
    accumulate: bool
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class Multiply:
    """y (rows, n) = ``scale`` x z, or += with ``accumulate``        x, z (rows, n)

    dx = scale g z,   dz = scale g x
    """

    x: int
    ldx: int
    z: int
    ldz: int
    y: int
    ldy: int
    rows: int
    n: int
    scale: float
    accumulate: bool
    x_grad: GradMode = GradMode.SKIP
    z_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class AddConstants:
    """y (rows, blocks, n) += ``constants`` (rows, blocks), in place; g stays as it is."""

    y: int
    ldy: int
    rows: int
    blocks: int
    n: int
    constants: Annotated[Tensor, "const double *"]


@dataclass(slots=True)
class Attention:
    """y (E, T, n): of each step t of T the sum of the values vₛ, each times P[t, s], head by head

    x (3 E, T, n): the queries q, the keys k and the values v, of E features, ``size`` a head.
    P = softmax over s of qₜ · kₛ ``scale``; with ``causal`` s is at most t. ``shares`` (heads, T,
    T, n) keeps P. With a ``mask`` (heads, T, T, n) of rows ldm apart the values are times P m.
    """

    x: int
    ldx: int
    y: int
    ldy: int
    shares: int
    mask: int
    ldm: int
    heads: int
    size: int
    steps: int
    n: int
    causal: bool
    scale: float
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class ParametricReLU:
    """y = x where x > 0, else w x        x, y (rows, n), a w for each ``rows_per_weight`` rows

    dx = g where x > 0, else w g;   dw = Σ g x where x ≤ 0
    """

    weight: int
    x: int
    y: int
    rows: int
    n: int
    rows_per_weight: int
    weight_grad: GradMode = GradMode.SKIP
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class LessEqual:
    """y (2, n) = (log P(i > j), log P(i ≤ j)), i and j drawn from softmax x₁ and softmax x₂

    x (2 classes, n): the logits x₁, then x₂. ``shares`` (6 classes, n): the logarithms of both
    softmaxes, and of their sums up to each entry and from each on.
    """

    x: int
    y: int
    shares: int
    classes: int
    n: int
    x_grad: GradMode = GradMode.SKIP
