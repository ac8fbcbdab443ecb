"""How far two values are from each other: a number for each sample."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.compiled.lowering.ir.modes import GradMode

__all__ = ["Cosine", "Distance"]


@dataclass(slots=True)
class Distance:
    """y (1, n) = d = ‖x − z + ε‖ₚ        x, z (rows, n)

    dx = g s |s|ᵖ⁻² / dᵖ⁻¹ with s = x − z + ε,   dz = −dx
    """

    x: int
    ldx: int
    z: int
    ldz: int
    y: int
    rows: int
    n: int
    p: float
    eps: float
    x_grad: GradMode = GradMode.SKIP
    z_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class Cosine:
    """y (1, n) = c = x · z / (|x| |z|), |x|² = Σ x² + ε        x, z (rows, n)

    dx = g (z / |z| − c x / |x|) / |x|, and so for z. ``lengths`` (2, n) keeps |x| and |z|.
    """

    x: int
    ldx: int
    z: int
    ldz: int
    y: int
    lengths: int
    rows: int
    n: int
    eps: float
    x_grad: GradMode = GradMode.SKIP
    z_grad: GradMode = GradMode.SKIP
