"""From losses to a program's operations: the targets, the losses and their gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import torch
from torch import Tensor

from chainrule import nn
from chainrule.compiled.lowering.ir import (
    ActivationKind,
    CrossEntropy,
    ElementwiseTerm,
    LoadTarget,
    LossKind,
    OneHot,
)
from chainrule.compiled.lowering.program import INPUTS, Program, Slice, Unsupported, Value
from chainrule.nn.loss import Loss

__all__ = ["Outputs", "is_summed", "loss_weights", "lower_loss"]

Outputs: TypeAlias = dict[str, Value]
"""The net's outputs by head; one that is not named is ""."""

LOSSES: dict[type[Loss], LossKind] = {
    nn.MSELoss: LossKind.MSE,
    nn.L1Loss: LossKind.L1,
    nn.SmoothL1Loss: LossKind.SMOOTH_L1,
    nn.HuberLoss: LossKind.HUBER,
    nn.BCELoss: LossKind.BCE,
    nn.BCEWithLogitsLoss: LossKind.BCE_WITH_LOGITS,
}

SHARES = (ActivationKind.SIGMOID, ActivationKind.SOFTMAX)
"""The activations whose outputs are between 0 and 1."""


def lower_loss(
    program: Program,
    criterion: Loss,
    outputs: Outputs,
    targets: Tensor | Mapping[str, Tensor],
    dtype: torch.dtype,
) -> list[Tensor]:
    """A loss, or a weighted sum of losses, in a program; the targets that it reads, in order.

    ``targets`` have the axis of the replicas in front. What has no compiled form raises
    Unsupported, and so do targets that the plain path refuses: it says what is wrong with them.
    """
    losses = criterion.losses if isinstance(criterion, nn.MultiLoss) else {"": criterion}
    is_summed(criterion)
    by_name = {"": targets} if isinstance(targets, Tensor) else targets
    if set(losses) != set(outputs) or not set(losses) <= set(by_name):
        raise Unsupported("a loss that does not go with the heads and the targets")
    for term, (name, loss) in enumerate(losses.items()):
        lower_term(program, loss, outputs[name], by_name[name], term, dtype)
    return [by_name[name] for name in losses]


def is_summed(criterion: Loss) -> bool:
    """Whether the losses of batches add up, or else are averaged.

    Raises Unsupported for a sum of some of each kind: a step tells its value alone.
    """
    losses = criterion.losses.values() if isinstance(criterion, nn.MultiLoss) else [criterion]
    summed = {getattr(loss, "reduction", "mean") == "sum" for loss in losses}
    if len(summed) > 1:
        raise Unsupported("losses of which some are summed and some averaged")
    return summed.pop()


def loss_weights(criterion: Loss, K: int) -> Tensor:
    """How much each loss counts, for each replica (losses, K), in float64."""
    if not isinstance(criterion, nn.MultiLoss):
        return torch.ones(1, K, dtype=torch.float64)
    rows = [torch.as_tensor(criterion.weights[name]).double() for name in criterion.losses]
    return torch.stack([row.expand(K) for row in rows])


def output_slice(program: Program, value: Value) -> Slice:
    """The one slice that an output is, or a copy of it is."""
    if len(value.slices) != 1 or value.slices[0].buffer == INPUTS:
        return program.copy([value])[0].slices[0]
    return value.slices[0]


def lower_term(
    program: Program, loss: Loss, output: Value, target: Tensor, term: int, dtype: torch.dtype
) -> None:
    """One loss and its target, the program's target number ``term``."""
    inner = loss.loss if isinstance(loss, nn.OneHotLoss) else loss
    reduction = getattr(inner, "reduction", "none")
    if reduction not in ("mean", "sum") or len(output.shape) != 1:
        raise Unsupported(f"{loss.label()} of samples {output.shape}")
    x = output_slice(program, output)
    room = program.add_buffer(x.rows)
    program.constants.add(room)
    (offset, ldx), (t, ldt) = program.address(x), program.address(Slice(room, 0, x.rows))
    op: ElementwiseTerm | CrossEntropy
    if type(inner) in LOSSES:
        lower_target(program, loss, target, term, x.rows, (t, ldt), dtype)
        kind = elementwise_kind(inner, program.activations.get(x.buffer))
        constant = getattr(inner, "beta", getattr(inner, "delta", 0.0))
        mean = reduction == "mean"
        op = ElementwiseTerm(kind, term, mean, constant, x.rows, offset, ldx, t, ldt)
    else:
        check_cross_entropy(loss, x.rows)
        check_classes(loss, target, x.rows)
        op = CrossEntropy(
            target=term,
            term=term,
            mean=reduction == "mean",
            log_probabilities=isinstance(loss, nn.NLLLoss),
            rows=x.rows,
            x=offset,
            ldx=ldx,
            scratch=t,
        )
    program.add_reader(op, x, 1)


def lower_target(
    program: Program,
    loss: Loss,
    target: Tensor,
    number: int,
    rows: int,
    address: tuple[int, int],
    dtype: torch.dtype,
) -> None:
    """The target of an elementwise loss, as so many rows at this address."""
    if isinstance(loss, nn.OneHotLoss):
        check_classes(loss, target, max(2, rows))
        program.ops.append(OneHot(number, rows, *address, loss.low, loss.high))
    else:
        check_vectors(loss, target, rows, dtype)
        program.ops.append(LoadTarget(number, rows, *address))


def elementwise_kind(loss: Loss, activation: ActivationKind | None) -> LossKind:
    """Which loss it is, of the outputs of this activation."""
    weights = [getattr(loss, name, None) for name in ("weight", "pos_weight")]
    if any(w is not None for w in weights) or getattr(loss, "beta", 1.0) == 0:
        raise Unsupported(loss.label())
    if isinstance(loss, nn.BCELoss) and activation not in SHARES:
        raise Unsupported(f"{loss.label()} of what is not a sigmoid or softmax")
    return LOSSES[type(loss)]


def check_cross_entropy(loss: Loss, classes: int) -> None:
    """Raise Unsupported unless the loss is a plain cross-entropy or likelihood."""
    if not isinstance(loss, nn.CrossEntropyLoss | nn.NLLLoss):
        raise Unsupported(loss.label())
    smooth = getattr(loss, "label_smoothing", 0.0)
    if loss.weight is not None or smooth or 0 <= loss.ignore_index < classes:
        raise Unsupported(loss.label())


def check_classes(loss: Loss, target: Tensor, classes: int) -> None:
    """Raise Unsupported unless each target is a class."""
    low, high = (int(t) for t in target.aminmax()) if target.dtype == torch.int64 else (-1, -1)
    if target.dim() != 2 or low < 0 or high >= classes:
        raise Unsupported(f"{loss.label()} of these targets")


def check_vectors(loss: Loss, target: Tensor, rows: int, dtype: torch.dtype) -> None:
    """Raise Unsupported unless each target is a vector like the output."""
    if target.dim() != 3 or target.shape[-1] != rows or target.dtype != dtype:
        raise Unsupported(f"{loss.label()} of these targets")
    if isinstance(loss, nn.BCELoss) and bool(((target < 0) | (target > 1)).any()):
        raise Unsupported(f"{loss.label()} of targets beyond 0 and 1")
