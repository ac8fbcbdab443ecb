"""From an embedding of the inputs to a program's operations."""

from __future__ import annotations

from math import prod

from chainrule import nn
from chainrule.compiled.lowering.ir import NOWHERE, Lookup
from chainrule.compiled.lowering.program import (
    INPUTS,
    Program,
    Slice,
    Unsupported,
    Value,
    side_by_side,
)

__all__ = ["lower_embedding"]


def lower_embedding(program: Program, layer: nn.Embedding, lanes: list[Value]) -> list[Value]:
    """The rows that each lane names, in a new buffer."""
    pieces = [piece for value in lanes for piece in value.slices]
    if not program.whole_numbers or any(piece.buffer != INPUTS for piece in pieces):
        raise Unsupported(f"{layer.label()} of what is not the input")
    if layer.scale_grad_by_freq:
        raise Unsupported(layer.label())
    shape, width, rows = lanes[0].shape, layer.embedding_dim, layer.num_embeddings
    out = Slice(program.add_buffer(prod(shape) * width, len(lanes)), 0, prod(shape) * width)
    for block, value in enumerate(lanes):
        row = 0
        for piece in value.slices:
            place = Slice(out.buffer, row, piece.rows * width, block)
            y, ldy = program.address(place)
            op = Lookup(
                weight=program.parameter_offset(layer.weight),
                num_rows=rows,
                width=width,
                padding=NOWHERE if layer.padding_idx is None else layer.padding_idx % rows,
                first=piece.row,
                features=program.features,
                count=piece.rows,
                y=y,
                ldy=ldy,
            )
            program.ops.append(op)
            row += place.rows
    return side_by_side((*shape, width), out, len(lanes))
