"""Products of two values, number by number."""

from __future__ import annotations

from chainrule.compiled.lowering.ir import Multiply
from chainrule.compiled.lowering.program import Program, Slice

__all__ = ["add_elementwise_product"]


def add_elementwise_product(
    program: Program,
    x: Slice,
    z: Slice,
    y: Slice,
    *,
    scale: float = 1.0,
    accumulate: bool = False,
) -> None:
    """y = scale x z of one block of samples, or += with ``accumulate``."""
    (x_place, ldx), (z_place, ldz), (y_place, ldy) = map(program.address, (x, z, y))
    op = Multiply(
        x=x_place,
        ldx=ldx,
        z=z_place,
        ldz=ldz,
        y=y_place,
        ldy=ldy,
        rows=y.rows,
        n=program.batch_columns,
        scale=scale,
        accumulate=accumulate,
    )
    program.add_reader(op, x, 1, z=z)
