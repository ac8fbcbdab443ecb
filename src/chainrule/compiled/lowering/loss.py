"""From losses to a program's operations: the targets, the losses and their gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import torch
from torch import Tensor

from chainrule import nn
from chainrule.compiled.lowering.ir import (
    CLASSES,
    ONE_HOT,
    POINTWISE,
    TARGET,
    Op,
    Part,
    Program,
    Unsupported,
    Value,
)
from chainrule.nn.loss import Loss

__all__ = ["Outputs", "Terms"]

Outputs: TypeAlias = dict[str, Value]
"""The net's outputs by head; one that is not named is ""."""

SIGMOID = 4  # as layers.h counts the activations
KINDS: dict[type[Loss], int] = {
    nn.MSELoss: 0,
    nn.L1Loss: 1,
    nn.SmoothL1Loss: 2,
    nn.HuberLoss: 3,
    nn.BCELoss: 4,
    nn.BCEWithLogitsLoss: 5,
}


class Terms:
    """A loss, or a weighted sum of losses, in a program; and the targets that it reads.

    ``targets`` have the axis of the replicas in front. What has no compiled form raises
    Unsupported, and so do targets that the plain path refuses: it says what is wrong with them.
    """

    def __init__(
        self,
        program: Program,
        criterion: Loss,
        outputs: Outputs,
        targets: Tensor | Mapping[str, Tensor],
        dtype: torch.dtype,
    ) -> None:
        self.program, self.dtype = program, dtype
        self.tensors: list[Tensor] = []
        losses = criterion.losses if isinstance(criterion, nn.MultiLoss) else {"": criterion}
        named = {"": targets} if isinstance(targets, Tensor) else targets
        if set(losses) != set(outputs) or not set(losses) <= set(named):
            raise Unsupported("a loss that does not go with the heads and the targets")
        for name, loss in losses.items():
            self.tensors.append(named[name])
            self._loss(loss, outputs[name], named[name])

    @staticmethod
    def weights(criterion: Loss, K: int) -> Tensor:
        """How much each loss counts, for each replica (losses, K), in float64."""
        if not isinstance(criterion, nn.MultiLoss):
            return torch.ones(1, K, dtype=torch.float64)
        rows = [torch.as_tensor(criterion.weights[name]).double() for name in criterion.losses]
        return torch.stack([row.expand(K) for row in rows])

    def _loss(self, loss: Loss, output: Value, target: Tensor) -> None:
        inner = loss.loss if isinstance(loss, nn.OneHotLoss) else loss
        reduction = getattr(inner, "reduction", "none")
        if reduction not in ("mean", "sum") or len(output.shape) != 1:
            raise Unsupported(f"{loss.label()} of samples {output.shape}")
        part, number = self.program.result(output), len(self.tensors) - 1
        room = self.program.array(part.rows)
        self.program.data.add(room)
        there = [*self.program.at(Part(room, 0, part.rows))]
        mean = int(reduction == "mean")
        about = [part.rows, *self.program.at(part), number, mean, part.array, *there]
        if type(inner) in KINDS:
            self._target(loss, target, number, part.rows, there)
            constant = getattr(inner, "beta", getattr(inner, "delta", 0.0))
            kind = self._pointwise(inner, part)
            self.program.ops.append(Op(POINTWISE, [number, kind, *about], [constant]))
        else:
            if inner is not loss:
                raise Unsupported(loss.label())
            given = of_classes(loss, part.rows)
            check_classes(loss, target, part.rows)
            self.program.ops.append(Op(CLASSES, [number, given, *about]))

    def _target(self, loss: Loss, target: Tensor, number: int, rows: int, at: list[int]) -> None:
        if isinstance(loss, nn.OneHotLoss):
            check_classes(loss, target, max(2, rows))
            op = Op(ONE_HOT, [number, 0, rows, *at], [loss.low, loss.high])
        else:
            check_vectors(loss, target, rows, self.dtype)
            op = Op(TARGET, [number, 0, rows, *at])
        self.program.ops.append(op)

    def _pointwise(self, loss: Loss, part: Part) -> int:
        weighted = [getattr(loss, name, None) for name in ("weight", "pos_weight")]
        if any(w is not None for w in weighted) or getattr(loss, "beta", 1.0) == 0:
            raise Unsupported(loss.label())
        if isinstance(loss, nn.BCELoss) and self.program.activations[part.array] != SIGMOID:
            raise Unsupported(f"{loss.label()} of what is not a sigmoid")
        return KINDS[type(loss)]


def of_classes(loss: Loss, classes: int) -> int:
    """Whether the loss is given logarithms of probabilities (1) or makes them (0)."""
    if not isinstance(loss, nn.CrossEntropyLoss | nn.NLLLoss):
        raise Unsupported(loss.label())
    smooth = getattr(loss, "label_smoothing", 0.0)
    if loss.weight is not None or smooth or 0 <= loss.ignore_index < classes:
        raise Unsupported(loss.label())
    return int(isinstance(loss, nn.NLLLoss))


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
