"""From linear layers to a program's operations."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from chainrule import nn
from chainrule.compiled.lowering.activations import lower_next_activation
from chainrule.compiled.lowering.ir import Matmul
from chainrule.compiled.lowering.program import Program, Slice, Unsupported, Value, group_lanes
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter

__all__ = ["lower_linear"]


def lower_linear(
    program: Program, layer: nn.Linear, lanes: list[Value], remaining: list[Module]
) -> list[Value]:
    """W x + b of each lane, and the activation that comes next.

    Of samples with more axes, each entry along them is a lane.
    """
    *lead, features = lanes[0].shape or (0,)
    if features != layer.in_features:
        raise Unsupported(f"{layer.label()} of samples {lanes[0].shape}")
    entries = [
        Value((features,), value.slice_range(i * features, (i + 1) * features))
        for value in lanes
        for i in range(prod(lead))
    ]
    outputs = add_linear(program, entries, layer.weight, layer.bias)
    lower_next_activation(program, remaining if not lead else [], outputs, layer.bias)
    shape = (*lead, layer.out_features)
    return [
        Value(shape, [piece for entry in outputs[i : i + prod(lead)] for piece in entry.slices])
        for i in range(0, len(outputs), prod(lead))
    ]


def add_linear(
    program: Program, lanes: Sequence[Value], weight: Parameter, bias: Parameter | None
) -> list[Value]:
    """W x + b of each lane, in a new buffer."""
    lanes = program.gather(lanes)
    m, k = weight.data.shape[-2:]
    out = program.add_buffer(m, len(lanes))
    for lane, slices, blocks in group_lanes(lanes):
        y, ldy = program.address(Slice(out, 0, m, lane))
        column = 0
        for x in slices:
            offset, ldx = program.address(x)
            op = Matmul(
                weight=program.parameter_offset(weight) + column,
                ldw=k,
                bias=program.parameter_offset(None if column else bias),
                x=offset,
                ldx=ldx,
                y=y,
                ldy=ldy,
                m=m,
                k=x.rows,
                n=blocks * program.batch_columns,
                accumulate=column > 0,
            )
            program.add_reader(op, x, blocks)
            column += x.rows
    return [Value((m,), [Slice(out, 0, m, lane)]) for lane in range(len(lanes))]
