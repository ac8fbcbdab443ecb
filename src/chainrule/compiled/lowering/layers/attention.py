"""From attention and what goes with it to a program's operations: steps are blocks of samples."""

from __future__ import annotations

from math import sqrt

from chainrule import nn
from chainrule.compiled.lowering.ir import NOWHERE, AddConstants, Attention
from chainrule.compiled.lowering.layers.dropout import add_masks, drops
from chainrule.compiled.lowering.layers.linear import add_bias_grad, add_products, find_weights
from chainrule.compiled.lowering.layers.recurrent import take_first_item
from chainrule.compiled.lowering.program import (
    Program,
    Slice,
    Unsupported,
    Value,
    join_entries,
    split_entries,
)
from chainrule.nn.module import Module

__all__ = ["add_attention", "lower_attention", "lower_positions"]


def lower_attention(
    program: Program, layer: nn.MultiheadAttention, lanes: list[Value], remaining: list[Module]
) -> list[Value]:
    """What each lane (T, E) sees of itself; the next layer has to pick that, not the shares."""
    T = check_sequence(layer, lanes, layer.embed_dim)
    take_first_item(layer, remaining)
    return join_entries(add_attention(program, layer, split_entries(lanes), T), T)


def check_sequence(
    layer: nn.MultiheadAttention | nn.PositionalEncoding, lanes: list[Value], features: int
) -> int:
    """The number of steps. Raises Unsupported unless all have so many features."""
    shape = lanes[0].shape
    if len(shape) != 2 or shape[1] != features or not layer.batch_first:
        raise Unsupported(f"{layer.label()} of samples {shape}")
    return shape[0]


def add_attention(
    program: Program, layer: nn.MultiheadAttention, steps: list[Value], T: int
) -> list[Value]:
    """What each T of the steps (E,) see of each other."""
    E, heads, lanes = layer.embed_dim, layer.num_heads, len(steps) // T
    weights = find_weights(program, layer.in_proj_weight, layer.in_proj_bias)
    x = Slice(program.add_buffer(3 * E, len(steps)), 0, 3 * E)
    add_products(program, weights, steps, x)
    add_bias_grad(program, x, len(steps), weights.bias)
    seen = Slice(program.add_buffer(E, len(steps)), 0, E)
    masks = add_masks(program, layer, heads * T * T) if drops(program, layer) else []
    for lane in range(lanes):
        shares = program.add_buffer(heads * T * T)
        program.constants.add(shares)
        (x_place, ldx), (y_place, ldy) = (
            program.address(rows._replace(block=lane * T)) for rows in (x, seen)
        )
        mask, ldm = (NOWHERE, 0)
        for drawn in masks:
            mask, ldm = program.address(drawn._replace(block=lane))
        program.add_workspace(0, (T + 1) * program.batch_columns)
        op = Attention(
            x=x_place,
            ldx=ldx,
            y=y_place,
            ldy=ldy,
            shares=program.buffers[shares].offset,
            mask=mask,
            ldm=ldm,
            heads=heads,
            size=E // heads,
            steps=T,
            n=program.batch_columns,
            causal=layer.causal,
            scale=1 / sqrt(E // heads),
        )
        program.add_reader(op, x._replace(block=lane * T), T)
    project = find_weights(program, layer.out_proj.weight, layer.out_proj.bias)
    y = Slice(program.add_buffer(E, len(steps)), 0, E)
    add_products(program, project, [Value((E,), [at]) for at in split_blocks(seen, len(steps))], y)
    add_bias_grad(program, y, len(steps), project.bias)
    return [Value((E,), [at]) for at in split_blocks(y, len(steps))]


def split_blocks(rows: Slice, count: int) -> list[Slice]:
    """The rows in each block of their buffer."""
    return [rows._replace(block=i) for i in range(count)]


def lower_positions(
    program: Program, layer: nn.PositionalEncoding, lanes: list[Value]
) -> list[Value]:
    """Each lane (T, E) with the number of each step in it, in a new buffer."""
    T, E = check_sequence(layer, lanes, layer.d_model), layer.d_model
    steps = program.copy(split_entries(lanes))
    rows = steps[0].slices[0]
    y, ldy = program.address(rows)
    constants = layer.encode(T).mT.repeat(1, len(lanes)).contiguous()
    program.ops.append(
        AddConstants(y, ldy, E, len(steps), program.batch_columns, constants.double())
    )
    return join_entries(steps, T)
