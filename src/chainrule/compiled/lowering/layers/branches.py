"""What the branches of a container made of each lane: added up, or joined along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from chainrule import nn
from chainrule.compiled.lowering.program import Program, Slice, Unsupported, Value, side_by_side
from chainrule.nn.module import Module

__all__ = ["add_branches", "join_values"]


def add_branches(program: Program, layer: Module, branches: list[list[Value]]) -> list[Value]:
    """The sum of what the branches made of each lane, in a new buffer."""
    shapes = {value.shape for lanes in branches for value in lanes}
    if len(shapes) != 1:
        raise Unsupported(f"{layer.label()} of outputs {sorted(shapes)}")
    (shape,), lanes = shapes, len(branches[0])
    out = Slice(program.add_buffer(prod(shape), lanes), 0, prod(shape))
    for i, branch in enumerate(branches):
        program.write_map(branch, out, accumulate=i > 0)
    return side_by_side(shape, out, lanes)


def join_values(layer: nn.Concat, parts: Sequence[Value]) -> Value:
    """Values as one, joined along the layer's axis."""
    first = parts[0].shape
    axis = layer.dim % (len(first) + 1) - 1
    if axis < 0 or any(
        part.shape[:axis] + part.shape[axis + 1 :] != first[:axis] + first[axis + 1 :]
        for part in parts
    ):
        raise Unsupported(f"{layer.label()} of outputs {[part.shape for part in parts]}")
    inner = prod(first[axis + 1 :])
    sizes = [part.shape[axis] * inner for part in parts]
    slices = [
        piece
        for i in range(prod(first[:axis]))
        for part, size in zip(parts, sizes, strict=True)
        for piece in part.slice_range(i * size, (i + 1) * size)
    ]
    return Value((*first[:axis], sum(sizes) // inner, *first[axis + 1 :]), slices)
