"""What the kernel is called with, field by field as its source declares it."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from ctypes import c_double, c_int64, c_void_p
from typing import final

from chainrule.compiled.lowering.ir import Op

__all__ = ["Job", "NativeOp", "Switches", "Windows", "native"]


def fields(kind: type, names: str) -> tuple[tuple[str, type], ...]:
    """Fields of one type, from their names."""
    return tuple((name, kind) for name in names.split())


@final
class NativeOp(ctypes.Structure):
    """Op: what is done, and where."""

    _fields_ = (("kind", c_int64), ("a", c_int64 * 22), ("c", c_double * 2))


@final
class Switches(ctypes.Structure):
    """Switches: which update rule, and what in it is on; ``fresh``: the momentum is not there."""

    _fields_ = fields(c_int64, "rule maximize decay with_momentum nesterov decoupled amsgrad fresh")


@final
class Job(ctypes.Structure):
    """Job: an epoch."""

    _fields_ = (
        *fields(c_void_p, "ops"),
        *fields(c_int64, "n_ops columns space room scratch"),
        *fields(c_void_p, "zero zero_parameters"),
        *fields(c_int64, "n_zero n_zero_parameters"),
        *fields(c_int64, "replicas samples batch parameters workers worker"),
        *fields(c_void_p, "workspace p g"),
        ("state", c_void_p * 3),
        *fields(c_void_p, "inputs"),
        *fields(c_int64, "input_stride"),
        *fields(c_void_p, "targets target_strides outputs order"),
        *fields(c_int64, "order_stride"),
        *fields(c_void_p, "losses alive active weights numbers"),
        ("switches", Switches),
        *fields(c_int64, "step stop"),
    )


@final
class Windows(ctypes.Structure):
    """Windows: one of the three convolutions, for all samples of all replicas."""

    _fields_ = (
        *fields(c_int64, "learn replicas samples threads parts H W C h w O kh kw sh sw top left"),
        *fields(c_int64, "x_stride other_stride bias_stride"),
        *fields(c_void_p, "x other bias out"),
    )


def native(ops: Iterable[Op]) -> ctypes.Array[NativeOp]:
    """The operations as one array."""
    made = [NativeOp(op.kind, (c_int64 * 22)(*op.a), (c_double * 2)(*op.c)) for op in ops]
    return (NativeOp * len(made))(*made)
