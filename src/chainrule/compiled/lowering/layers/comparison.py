"""From the comparison of two distributions to a program's operation."""

from __future__ import annotations

from chainrule import nn
from chainrule.compiled.lowering.ir import LessEqual
from chainrule.compiled.lowering.program import Program, Slice, Unsupported, Value, side_by_side

__all__ = ["lower_less_equal"]


def lower_less_equal(
    program: Program, layer: nn.LessEqualProbability, lanes: list[Value]
) -> list[Value]:
    """How the two numbers of each lane are ordered, in a new buffer."""
    shape = lanes[0].shape
    if len(shape) != 2 or shape[0] != 2 or shape[1] < 2:
        raise Unsupported(f"{layer.label()} of samples {shape}")
    x, classes = program.join_lanes(lanes), shape[1]
    y = Slice(program.add_buffer(2, len(lanes)), 0, 2)
    shares = program.add_buffer(6 * classes, len(lanes))
    program.constants.add(shares)
    n = len(lanes) * program.batch_columns
    places = program.address(x)[0], program.address(y)[0], program.buffers[shares].offset
    program.add_reader(LessEqual(*places, classes, n), x, len(lanes))
    return side_by_side((2,), y, len(lanes))
