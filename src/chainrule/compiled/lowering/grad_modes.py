"""Who writes a gradient alone, and who adds to one: known when all operations of a program are."""

from __future__ import annotations

from collections import Counter

from chainrule.compiled.lowering.ir import NOWHERE, GradMode, Operation
from chainrule.compiled.lowering.program import Program

__all__ = ["accumulated_parameters", "accumulated_values", "assign_grad_modes"]


def assign_grad_modes(program: Program, moved: int) -> list[Operation]:
    """The operations of a program, each told how to write its gradients.

    Parameters from the number ``moved`` on are not learned.
    """
    repeated = accumulated_parameters(program)
    for op, name in parameter_writes(program):
        place = getattr(op, name)
        several = any(start <= place < start + size for start, size in repeated)
        mode = GradMode.ACCUMULATE if several else GradMode.ASSIGN
        setattr(op, f"{name}_grad", mode if place < moved else GradMode.SKIP)
    modes = value_modes(program)
    for read in program.reads:
        setattr(read.op, f"{read.name}_grad", modes[read.buffer])
    return program.ops


def parameter_writes(program: Program) -> list[tuple[Operation, str]]:
    """(operation, what it calls the parameter) of each gradient of a parameter."""
    return [
        (op, name)
        for op in program.ops
        for name in ("weight", "bias")
        if hasattr(op, f"{name}_grad") and getattr(op, name) != NOWHERE
    ]


def value_modes(program: Program) -> list[GradMode]:
    """How those who read a buffer write its gradient, for each."""
    full: list[list[bool]] = [[] for _ in program.buffers]
    for read in program.reads:
        full[read.buffer].append(read.full)
    modes = [GradMode.ASSIGN if found == [True] else GradMode.ACCUMULATE for found in full]
    for buffer in program.constants:
        modes[buffer] = GradMode.SKIP
    return modes


def accumulated_values(program: Program) -> list[tuple[int, int]]:
    """(place, count) of the gradients of values that several operations add to."""
    return [
        (buffer.offset, buffer.rows * buffer.blocks * program.batch_columns)
        for buffer, mode in zip(program.buffers, value_modes(program), strict=True)
        if mode == GradMode.ACCUMULATE
    ]


def accumulated_parameters(program: Program) -> list[tuple[int, int]]:
    """(place, count) of each parameter to whose gradient several operations add."""
    writes = Counter(getattr(op, name) for op, name in parameter_writes(program))
    repeated = [place for place, count in writes.items() if count > 1]
    return [
        (start, size)
        for start, size in program.parameter_offsets.values()
        if any(start <= place < start + size for place in repeated)
    ]
