"""What the update rules that know a parameter's shape are told of it: Adafactor and Muon."""

from __future__ import annotations

import ctypes
from math import prod
from typing import final

from chainrule.compiled.cstruct import structure
from chainrule.optim import Adafactor, Muon, Optimizer
from chainrule.optim.matrices import Shape, count_statistics, scale_step

__all__ = [
    "NewtonSchulz",
    "ParameterShape",
    "count_step_products",
    "count_step_scratch",
    "newton_schulz",
    "parameter_shapes",
    "statistic_widths",
]

VECTOR_NUMBERS = 16
"""The numbers of the widest vectors: rows of a matrix are filled up to a multiple."""


@final
@structure
class ParameterShape(ctypes.Structure):
    """A parameter of so many ``numbers``, which ``begin`` there in a replica's row.

    They are matrices of rows × columns; 0 × 0 where there is one axis or none. Its statistics begin
    at its ``row_place``, ``col_place`` or ``variance_place`` in those of its group. ``scale``: what
    Muon multiplies its steps by.
    """

    begin: int
    numbers: int
    rows: int
    columns: int
    row_place: int
    col_place: int
    variance_place: int
    scale: float


@final
@structure
class NewtonSchulz(ctypes.Structure):
    """So many ``steps`` of X ← a X + (b A + c A²) X, A = X Xᵀ."""

    steps: int
    a: float
    b: float
    c: float


def parameter_shapes(
    optimizer: Optimizer, index: int, begin: int
) -> ctypes.Array[ParameterShape] | None:
    """The parameters of a group, whose first number is at ``begin``; None for other rules."""
    if not isinstance(optimizer, Adafactor | Muon):
        return None
    shapes = optimizer.parameter_shapes(optimizer.param_groups[index])
    array = (ParameterShape * len(shapes))()
    for i, (native, shape) in enumerate(zip(array, shapes, strict=True)):
        before = count_statistics(shapes[:i])
        native.begin, native.numbers = begin, prod(shape)
        native.rows, native.columns = shape[-2:] if len(shape) > 1 else (0, 0)
        native.row_place, native.col_place = before["row_var"], before["col_var"]
        native.variance_place = before["variance"]
        if isinstance(optimizer, Muon):
            native.scale = scale_step(optimizer.adjust_lr_fn, *shape)
        begin += native.numbers
    return array


def statistic_widths(optimizer: Optimizer, index: int) -> dict[str, int]:
    """How many numbers Adafactor keeps of a group, by their names; nothing for other rules."""
    if not isinstance(optimizer, Adafactor):
        return {}
    return count_statistics(optimizer.parameter_shapes(optimizer.param_groups[index]))


def newton_schulz(optimizer: Muon) -> NewtonSchulz:
    """Its steps as the kernel does them."""
    return NewtonSchulz(optimizer.ns_steps, *optimizer.ns_coefficients)


def count_step_scratch(optimizer: Optimizer) -> int:
    """How many numbers a step of the optimizer needs while it moves one parameter."""
    rule = {Adafactor: adafactor_scratch, Muon: muon_scratch}.get(type(optimizer))
    return 0 if rule is None else max(map(rule, all_shapes(optimizer)))


def adafactor_scratch(shape: Shape) -> int:
    """The step, and the sums of a matrix's columns."""
    return prod(shape) + (shape[-1] if len(shape) > 1 else 0)


def muon_scratch(shape: Shape) -> int:
    """X and the next X, A and what X is multiplied by."""
    m, n = sorted(shape)
    return 2 * m * (pad_columns(n) + pad_columns(m))


def pad_columns(columns: int) -> int:
    """A whole number of vectors."""
    return -(-columns // VECTOR_NUMBERS) * VECTOR_NUMBERS


def count_step_products(optimizer: Optimizer) -> int:
    """About how many products of numbers a step of Muon has beside what each rule does."""
    if not isinstance(optimizer, Muon):
        return 0
    sides = map(sorted, all_shapes(optimizer))
    return sum(optimizer.ns_steps * m * m * (2 * n + m) for m, n in sides)


def all_shapes(optimizer: Optimizer) -> list[Shape]:
    """Those of the parameters of all groups, without the replicas."""
    groups = optimizer.param_groups
    return [shape for group in groups for shape in optimizer.parameter_shapes(group)]
