"""From dropout to a program's operations, and what an epoch must know to draw as the layers do."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Mapping
from math import prod
from typing import Annotated, Any, final

import torch
from torch import Tensor

from chainrule._util.words import count_noun
from chainrule.compiled.cstruct import structure
from chainrule.compiled.lowering.ir import Drop
from chainrule.compiled.lowering.program import Program, Slice, Unsupported, Value, side_by_side
from chainrule.nn.layers.dropout import DropoutBase, keep_rule
from chainrule.nn.module import Module

__all__ = ["DropoutState", "count_uses", "dropout_states", "lower_dropout"]


@final
@structure
class DropoutState(ctypes.Structure):
    """What a dropout's draws follow from, each (K): ``keys``, ``limits``, ``scales``.

    A word below the limit drops; what is kept is multiplied by the scale. ``first_use``: the number
    of the first use of the epoch; ``uses``: how many there are in a step.
    """

    keys: Annotated[int | None, "const int64_t *"]
    limits: Annotated[int | None, "const int64_t *"]
    scales: Annotated[int | None, "const double *"]
    first_use: int
    uses: int


def lower_dropout(program: Program, layer: DropoutBase, lanes: list[Value]) -> list[Value]:
    """Each lane with some of its entries 0, in a new buffer.

    As it is where nothing is learned, and where p is 0.
    """
    K = layer.replicas or 1
    if isinstance(layer.p, Tensor) and layer.p.numel() != K:
        raise Unsupported(f"{layer.label()} of {count_noun(K, 'replica')}")
    if not program.training:
        return lanes
    if not any(layer.drop_probabilities()):
        program.count_draws(layer)
        return lanes
    if layer.seeds is None:
        raise Unsupported(f"{layer.label()} without a seed: net.initialize(seed) gives it one")
    if len(layer.seeds) != K:
        given = count_noun(len(layer.seeds), "replica")
        raise Unsupported(f"{layer.label()} with seeds for {given}")
    shape = lanes[0].shape
    x, rows = program.join_lanes(lanes), prod(shape)
    draws = prod(layer.mask_shape(torch.Size((1, *shape))))
    y = Slice(program.add_buffer(rows, len(lanes)), 0, rows)
    mask = program.add_buffer(draws, len(lanes))
    program.constants.add(mask)
    number = [*program.dropouts, layer].index(layer)
    for group in program.lane_groups:
        use = program.dropouts.setdefault(layer, 0)
        program.dropouts[layer] = use + 1
        op = Drop(
            layer=number,
            use=use,
            x=program.address(x)[0],
            y=program.address(y)[0],
            mask=program.buffers[mask].offset,
            rows=rows,
            n=len(lanes) * program.batch_columns,
            pixels=rows // draws,
            lanes=torch.tensor(group),
            num_lanes=len(group),
        )
        program.add_reader(op, x, len(group))
    return side_by_side(shape, y, len(lanes))


def dropout_states(
    dropouts: Mapping[DropoutBase, int],
) -> tuple[ctypes.Array[DropoutState], list[Tensor]]:
    """What the draws of an epoch follow from, and the tensors that have to be kept meanwhile."""
    array, kept = (DropoutState * len(dropouts))(), []
    for native, (layer, uses) in zip(array, dropouts.items(), strict=True):
        limits, scales = zip(*map(keep_rule, layer.drop_probabilities()), strict=True)
        tensors: list[Any] = [
            torch.tensor(layer.seeds),
            torch.tensor(limits),
            torch.tensor(scales, dtype=torch.float64),
        ]
        native.keys, native.limits, native.scales = (t.data_ptr() for t in tensors)
        native.first_use, native.uses = layer.rng_counter, uses
        kept += tensors
    return array, kept


def count_uses(uses: Iterable[tuple[Module, int]], batches: int) -> None:
    """Let layers know how often they have drawn for so many batches; uses: for one."""
    for layer, count in uses:
        layer.rng_counter += count * batches
