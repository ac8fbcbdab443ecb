"""What the kernel's update rules are told, from an optimizer of ours."""

from __future__ import annotations

from math import inf
from typing import Any

import torch
from torch import Tensor

from chainrule.compiled.abi import Switches
from chainrule.compiled.lowering.ir import Unsupported
from chainrule.optim import SGD, Adam, AdamW, Optimizer
from chainrule.optim.hyperparameters import as_column, check_number
from chainrule.optim.inplace import Scalar, is_nonzero

__all__ = ["check_rule", "numbers", "switches"]

NUMBERS = ("lr", "weight_decay", "momentum", "dampening", "beta1", "beta2", "eps", "clip_norm")
"""The fields of Numbers in updates.h, in their order."""


def check_rule(optimizer: Optimizer) -> None:
    """Raise Unsupported unless the kernel has this update rule."""
    if type(optimizer) not in (SGD, Adam, AdamW):
        raise Unsupported(type(optimizer).__name__)
    if len(optimizer.flats) != 1:
        raise Unsupported("several parameter groups")


def numbers(optimizer: Optimizer, clip_norm: Scalar | None) -> Tensor:
    """The hyper-parameters of each replica (K, 8), in float64."""
    group, data = optimizer.param_groups[0], optimizer.flats[0].data
    named = {name: as_column(name, group[name], data) for name in optimizer.defaults}
    named["beta1"], named["beta2"] = named.pop("betas", (0.0, 0.0))
    check_number("max_norm", inf if clip_norm is None else clip_norm, optimizer.replicas)
    named["clip_norm"] = inf if clip_norm is None else tensor_as_column(clip_norm)
    values = [named.get(name, 0.0) for name in NUMBERS]
    alike = [0.0 if isinstance(value, Tensor) else value for value in values]
    found = torch.tensor(alike, dtype=torch.float64).repeat(len(data), 1)
    for i, value in enumerate(values):
        if isinstance(value, Tensor):
            found[:, i : i + 1] = value
    return found


def tensor_as_column(value: Scalar) -> Scalar:
    """A number, or numbers (K,) as a column."""
    return value.double().reshape(-1, 1) if isinstance(value, Tensor) else value


def switches(optimizer: Optimizer) -> tuple[Switches, list[Tensor | None]]:
    """What is on, and the rule's state: three tensors (K, P), made where they are missing."""
    group, state = optimizer.param_groups[0], optimizer.state[0]
    told = Switches(maximize=group["maximize"], decay=is_nonzero(group["weight_decay"]))
    if isinstance(optimizer, SGD):
        return told, _momentum(told, optimizer, group, state)
    told.rule, told.amsgrad = 1, group["amsgrad"]
    told.decoupled = group["decoupled_weight_decay"]
    most = _kept(state, "max_exp_avg_sq", optimizer) if group["amsgrad"] else None
    return told, [state["exp_avg"], state["exp_avg_sq"], most]


def _momentum(
    told: Switches, optimizer: Optimizer, group: dict[str, Any], state: dict[str, Tensor]
) -> list[Tensor | None]:
    told.with_momentum, told.nesterov = is_nonzero(group["momentum"]), group["nesterov"]
    told.fresh = "momentum_buffer" not in state
    kept = _kept(state, "momentum_buffer", optimizer) if told.with_momentum else None
    return [kept, None, None]


def _kept(state: dict[str, Tensor], name: str, optimizer: Optimizer) -> Tensor:
    return state.setdefault(name, torch.zeros_like(optimizer.flats[0].data))
