"""The loss of a normal distribution, of which the net gives mean and variance."""

from __future__ import annotations

import torch
from torch import Tensor

from chainrule import nn
from chainrule.compiled.lowering.ir import ActivationKind, GaussianTerm, LoadTarget, Map, MapKind
from chainrule.compiled.lowering.outputs import SHARES, output_slice
from chainrule.compiled.lowering.program import Program, Slice, Unsupported, Value
from chainrule.compiled.lowering.targets import check_vectors

__all__ = ["lower_gaussian"]


def lower_gaussian(
    program: Program,
    loss: nn.GaussianNLLLoss,
    mean: Value | tuple[Value, ...],
    var: Value | tuple[Value, ...],
    target: Tensor,
    dtype: torch.dtype,
) -> None:
    """The likelihood of a normal distribution, whose variance is no less than 0."""
    if isinstance(mean, tuple) or isinstance(var, tuple):
        raise Unsupported(f"{loss.label()} of several values")
    x, v = output_slice(program, mean), output_slice(program, var)
    if not is_not_negative(program, v) or loss.reduction == "none" or len(var.shape) != 1:
        raise Unsupported(f"{loss.label()} of what may be negative")
    if v.rows not in (x.rows, 1) or len(mean.shape) != 1:
        raise Unsupported(f"{loss.label()} of samples {mean.shape} and {var.shape}")
    check_vectors(loss, target, mean.shape, dtype)
    room = program.add_buffer(x.rows)
    program.constants.add(room)
    (offset, ldx), (place, ldvar) = program.address(x), program.address(v)
    t, ldt = program.address(Slice(room, 0, x.rows))
    program.ops.append(LoadTarget(0, x.rows, t, ldt))
    op = GaussianTerm(
        term=0,
        mean=loss.reduction == "mean",
        full=loss.full,
        eps=loss.eps,
        rows=x.rows,
        x=offset,
        ldx=ldx,
        var_rows=v.rows,
        var=place,
        ldvar=ldvar,
        t=t,
        ldt=ldt,
    )
    program.add_reader(op, x, 1, var=v)


def is_not_negative(program: Program, rows: Slice) -> bool:
    """Whether these rows are of a function that is nowhere below 0."""
    if program.activations.get(rows.buffer) in (*SHARES, ActivationKind.RELU):
        return True
    y, _ = program.address(rows)
    return any(
        isinstance(op, Map) and op.y == y and op.kind in (MapKind.EXP, MapKind.SOFTPLUS)
        for op in program.ops
    )
