"""From linear layers to a program's operations."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from chainrule import nn
from chainrule.compiled.lowering.ir import NOWHERE, ActivationKind, Matmul
from chainrule.compiled.lowering.layers.activations import activate_rows, lower_next_activation
from chainrule.compiled.lowering.program import Program, Slice, Unsupported, Value, group_lanes
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter

__all__ = ["Weights", "add_bias_grad", "add_products", "find_weights", "lower_linear"]


class Weights(NamedTuple):
    """W (m, k) and b (m), or none: where they begin in a replica's row."""

    weight: int
    bias: int
    m: int
    k: int

    def select_rows(self, first: int, count: int) -> Weights:
        """Some of their rows."""
        bias = NOWHERE if self.bias == NOWHERE else self.bias + first
        return Weights(self.weight + first * self.k, bias, count, self.k)


def find_weights(program: Program, weight: Parameter, bias: Parameter | None) -> Weights:
    """Where a layer's are."""
    m, k = weight.data.shape[-2:]
    return Weights(program.parameter_offset(weight), program.parameter_offset(bias), m, k)


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
    weights = find_weights(program, layer.weight, layer.bias)
    out = Slice(program.add_buffer(weights.m, len(entries)), 0, weights.m)
    add_products(program, weights, entries, out)
    outputs = [Value((weights.m,), [out._replace(block=i)]) for i in range(len(entries))]
    lower_next_activation(program, remaining if not lead else [], outputs, layer.bias)
    shape = (*lead, layer.out_features)
    return [
        Value(shape, [piece for entry in outputs[i : i + prod(lead)] for piece in entry.slices])
        for i in range(0, len(outputs), prod(lead))
    ]


def add_products(
    program: Program,
    weights: Weights,
    lanes: Sequence[Value],
    out: Slice,
    *,
    accumulate: bool = False,
) -> None:
    """W x + b of each lane to a block of ``out``, from its own on; or += with ``accumulate``."""
    for lane, slices, blocks in group_lanes(program.gather(lanes)):
        y, ldy = program.address(out._replace(block=out.block + lane))
        column = 0
        for x in slices:
            offset, ldx = program.address(x)
            op = Matmul(
                weight=weights.weight + column,
                ldw=weights.k,
                bias=NOWHERE if column else weights.bias,
                x=offset,
                ldx=ldx,
                y=y,
                ldy=ldy,
                m=weights.m,
                k=x.rows,
                n=blocks * program.batch_columns,
                accumulate=accumulate or column > 0,
            )
            program.add_reader(op, x, blocks)
            column += x.rows


def add_bias_grad(program: Program, out: Slice, blocks: int, bias: int) -> None:
    """On the way back, the sums of these rows' gradients, over so many blocks, to the bias's."""
    if bias != NOWHERE:
        activate_rows(program, out, ActivationKind.IDENTITY, blocks=blocks, bias=bias)
