"""What a net gives, by head, as a program knows it."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from chainrule.compiled.lowering.ir import ActivationKind
from chainrule.compiled.lowering.program import INPUTS, Program, Slice, Value

__all__ = ["SHARES", "OutputKey", "Outputs", "output_slice"]

Outputs: TypeAlias = dict[str, Value | tuple[Value, ...]]
"""The net's outputs by head; one that is not named is "". A tuple where a head gives several."""


SHARES = (ActivationKind.SIGMOID, ActivationKind.SOFTMAX)
"""The activations whose outputs are between 0 and 1."""


class OutputKey(NamedTuple):
    """The head, and which of several values it is; None for one alone."""

    head: str
    item: int | None


def output_slice(program: Program, value: Value) -> Slice:
    """The one slice that an output is, or a copy of it is."""
    if len(value.slices) != 1 or value.slices[0].buffer == INPUTS:
        return program.copy([value])[0].slices[0]
    return value.slices[0]
