"""What the kernel's update rules are told, from an optimizer of ours."""

from __future__ import annotations

import ctypes
from enum import IntEnum
from math import inf
from typing import Any, NamedTuple, final

import torch
from torch import Tensor

from chainrule.compiled.cstruct import fields, structure
from chainrule.compiled.lowering.program import Unsupported
from chainrule.optim import SGD, Adam, AdamW, Optimizer
from chainrule.optim.hyperparameters import as_column, check_number
from chainrule.optim.inplace import Scalar, is_nonzero

__all__ = [
    "Hyperparameters",
    "OptimizerFlags",
    "OptimizerState",
    "UpdateRule",
    "check_update_rule",
    "hyperparameter_table",
    "optimizer_flags",
]


class UpdateRule(IntEnum):
    """The optimizers that the kernel knows; AdamW is Adam with decoupled decay."""

    SGD = 0
    ADAM = 1


@final
@structure
class Hyperparameters(ctypes.Structure):
    """The numbers of an update rule, for one replica: a row of the table."""

    lr: float
    weight_decay: float
    momentum: float
    dampening: float
    beta1: float
    beta2: float
    eps: float
    clip_norm: float


HYPERPARAMETERS = tuple(field.name for field in fields(Hyperparameters))


@final
@structure
class OptimizerFlags(ctypes.Structure):
    """Which update rule, and what in it is on; ``first_momentum``: it has no value yet."""

    rule: UpdateRule
    maximize: bool
    weight_decay: bool
    momentum: bool
    nesterov: bool
    decoupled: bool
    amsgrad: bool
    first_momentum: bool


class OptimizerState(NamedTuple):
    """The rule's state (K, P), where it has one: momentum or first moments, second, maxima."""

    momentum: Tensor | None = None
    exp_avg_sq: Tensor | None = None
    max_exp_avg_sq: Tensor | None = None


def check_update_rule(optimizer: Optimizer) -> None:
    """Raise Unsupported unless the kernel has this update rule."""
    if type(optimizer) not in (SGD, Adam, AdamW):
        raise Unsupported(type(optimizer).__name__)
    if len(optimizer.flats) != 1:
        raise Unsupported("several parameter groups")


def hyperparameter_table(optimizer: Optimizer, clip_norm: Scalar | None) -> Tensor:
    """The Hyperparameters of each replica (K, 8), in float64."""
    group, data = optimizer.param_groups[0], optimizer.flats[0].data
    columns = {name: as_column(name, group[name], data) for name in optimizer.defaults}
    columns["beta1"], columns["beta2"] = columns.pop("betas", (0.0, 0.0))
    check_number("max_norm", inf if clip_norm is None else clip_norm, optimizer.replicas)
    columns["clip_norm"] = inf if clip_norm is None else tensor_as_column(clip_norm)
    values = [columns.get(name, 0.0) for name in HYPERPARAMETERS]
    row = [0.0 if isinstance(value, Tensor) else value for value in values]
    table = torch.tensor(row, dtype=torch.float64).repeat(len(data), 1)
    for i, value in enumerate(values):
        if isinstance(value, Tensor):
            table[:, i : i + 1] = value
    return table


def tensor_as_column(value: Scalar) -> Scalar:
    """A number, or numbers (K,) as a column."""
    return value.double().reshape(-1, 1) if isinstance(value, Tensor) else value


def optimizer_flags(optimizer: Optimizer) -> tuple[OptimizerFlags, OptimizerState]:
    """What is on, and the rule's state, made where it is missing."""
    group, state = optimizer.param_groups[0], optimizer.state[0]
    flags = OptimizerFlags(
        maximize=group["maximize"], weight_decay=is_nonzero(group["weight_decay"])
    )
    if isinstance(optimizer, SGD):
        flags.rule = UpdateRule.SGD
        flags.momentum, flags.nesterov = is_nonzero(group["momentum"]), group["nesterov"]
        flags.first_momentum = "momentum_buffer" not in state
        if not flags.momentum:
            return flags, OptimizerState()
        return flags, OptimizerState(_state_tensor(state, "momentum_buffer", optimizer))
    flags.rule, flags.amsgrad = UpdateRule.ADAM, group["amsgrad"]
    flags.decoupled = group["decoupled_weight_decay"]
    maxima = _state_tensor(state, "max_exp_avg_sq", optimizer) if group["amsgrad"] else None
    return flags, OptimizerState(state["exp_avg"], state["exp_avg_sq"], maxima)


def _state_tensor(state: dict[str, Any], name: str, optimizer: Optimizer) -> Tensor:
    if name not in state:
        state[name] = torch.zeros_like(optimizer.flats[0].data)
    tensor: Tensor = state[name]
    return tensor
