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
from chainrule.compiled.lowering.ir import DrawMask, Drop
from chainrule.compiled.lowering.layers.multiply import add_elementwise_product
from chainrule.compiled.lowering.program import Program, Slice, Unsupported, Value, side_by_side
from chainrule.nn.layers.dropout import DropoutBase, keep_rule
from chainrule.nn.module import Module

__all__ = [
    "DropoutState",
    "add_masks",
    "count_uses",
    "drop_steps",
    "dropout_states",
    "drops",
    "lower_dropout",
    "lower_step_dropout",
]


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
    if not drops(program, layer):
        return lanes
    shape = lanes[0].shape
    x, rows = program.join_lanes(lanes), prod(shape)
    draws = prod(layer.mask_shape(torch.Size((1, *shape))))
    (mask,) = add_masks(program, layer, draws)
    y = Slice(program.add_buffer(rows, len(lanes)), 0, rows)
    (x_place, n), (y_place, _), (mask_place, _) = map(program.address, (x, y, mask))
    op = Drop(x=x_place, y=y_place, mask=mask_place, rows=rows, n=n, pixels=rows // draws)
    program.add_reader(op, x, len(lanes))
    return side_by_side(shape, y, len(lanes))


def drops(program: Program, layer: Module) -> bool:
    """Whether a layer makes some numbers 0 here; one that would draw nothing but 1 counts its use.

    Raises Unsupported where its draws are not those of its replicas, or follow from no seed.
    """
    K = layer.replicas or 1
    if isinstance(layer, DropoutBase) and isinstance(layer.p, Tensor) and layer.p.numel() != K:
        raise Unsupported(f"{layer.label()} of {count_noun(K, 'replica')}")
    if not program.training:
        return False
    if not any(drop_chances(layer)):
        program.count_draws(layer)
        return False
    if layer.seeds is None:
        raise Unsupported(f"{layer.label()} without a seed: net.initialize(seed) gives it one")
    if len(layer.seeds) != K:
        given = count_noun(len(layer.seeds), "replica")
        raise Unsupported(f"{layer.label()} with seeds for {given}")
    return True


def drop_chances(layer: Module) -> list[float]:
    """The probability of each replica, of a dropout or of a layer that has one within."""
    if isinstance(layer, DropoutBase):
        return layer.drop_probabilities()
    return [float(vars(layer)["dropout"])] * (layer.replicas or 1)


def add_masks(program: Program, layer: Module, draws: int, uses: int = 1) -> list[Slice]:
    """What multiplies so many numbers of a sample, of each of these uses; a block each lane."""
    number = [*program.dropouts, layer].index(layer)
    program.dropouts.setdefault(layer, 0)
    lanes = program.batch_lanes
    masks = [Slice(program.add_buffer(draws, len(lanes)), 0, draws) for _ in range(uses)]
    program.constants.update(mask.buffer for mask in masks)
    for use, mask in enumerate(masks, program.dropouts[layer]):
        for place, lane in enumerate(lanes):
            at, ld = program.address(mask._replace(block=lane))
            program.ops.append(DrawMask(number, use, at, ld, draws, place, len(lanes)))
    program.dropouts[layer] += uses
    return masks


def lower_step_dropout(
    program: Program, layer: DropoutBase, steps: list[Value], T: int
) -> list[Value]:
    """The same of the T steps (features) of each lane, which are blocks of samples."""
    if not drops(program, layer):
        return steps
    (mask,) = add_masks(program, layer, T * prod(steps[0].shape))
    return drop_steps(program, steps, T, mask)


def drop_steps(program: Program, steps: list[Value], T: int, mask: Slice) -> list[Value]:
    """Each T steps (features) times the mask of their lane, in a new buffer."""
    shape, rows = steps[0].shape, prod(steps[0].shape)
    y = Slice(program.add_buffer(rows, len(steps)), 0, rows)
    for i, step in enumerate(steps):
        lane, row = i // T, 0
        for piece in step.slices:
            here = Slice(mask.buffer, i % T * rows + row, piece.rows, lane)
            add_elementwise_product(program, piece, here, Slice(y.buffer, row, piece.rows, block=i))
            row += piece.rows
    return side_by_side(shape, y, len(steps))


def dropout_states(
    dropouts: Mapping[Module, int],
) -> tuple[ctypes.Array[DropoutState], list[Tensor]]:
    """What the draws of an epoch follow from, and the tensors that have to be kept meanwhile."""
    array, kept = (DropoutState * len(dropouts))(), []
    for native, (layer, uses) in zip(array, dropouts.items(), strict=True):
        limits, scales = zip(*map(keep_rule, drop_chances(layer)), strict=True)
        tensors: list[Any] = [
            torch.tensor([*(layer.seeds or ())]),
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
