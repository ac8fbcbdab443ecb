"""Replicas that met nan or infinity: who, when and where, and what is kept of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from chainrule._util.pytree import named_leaves
from chainrule.data import Dataset
from chainrule.data.batches import iter_batches
from chainrule.nn.inspect.trace import trace_layers
from chainrule.nn.loss import Loss
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter
from chainrule.train.history import Divergence, History
from chainrule.train.state import TrainState

__all__ = ["first_non_finite", "mask_diverged", "record_divergence", "restore_diverged"]


def record_divergence(state: TrainState, train: Dataset, order: Tensor, active: Tensor) -> None:
    """Enter in the history who fell out in this epoch; who is left stays active.

    order (K, N) is the epoch's, active (steps, K) says who took part in each step.
    """
    active = active.cpu()
    finite = state.optimizer.data_sum().isfinite().cpu()
    left = active[-1] & finite
    if torch.equal(left, state.active):
        return
    for k in (state.active & ~active[-1]).nonzero().flatten().tolist():
        step = int(active[:, k].sum())
        where = _locate(state, train, order[k : k + 1], step, k)
        state.history.diverged.append(Divergence(k, state.epoch + 1, step + 1, where))
    for k in (active[-1] & ~finite).nonzero().flatten().tolist():
        last = Divergence(k, state.epoch + 1, len(active), "the update of the parameters")
        state.history.diverged.append(last)
    state.active = left


def restore_diverged(state: TrainState, before: Mapping[str, Tensor]) -> None:
    """What a replica that takes part no more had before this epoch.

    That is its running statistics; and, where an update overflowed, its parameters.
    """
    if bool(state.active.all()):
        return
    finite = state.optimizer.data_sum().isfinite()
    for name, value in state.net.named_state():
        keep = finite if isinstance(value, Parameter) else state.active
        ones = [1] * (value.data.dim() - state.net.num_replica_dims)
        keep = keep.reshape(-1, *ones) if state.net.num_replica_dims else keep[0]
        value.data.copy_(torch.where(keep.to(value.data.device), value.data, before[name]))


def mask_diverged(history: History, values: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """name → (K,), or a scalar, with nan for who has diverged: never a plausible number."""
    if not history.diverged:
        return values
    diverged = torch.zeros(history.replicas or 1, dtype=torch.bool)
    diverged[[d.replica for d in history.diverged]] = True
    return {
        name: value.masked_fill(diverged.to(value.device).reshape(value.shape), torch.nan)
        for name, value in values.items()
    }


def _locate(state: TrainState, train: Dataset, order: Tensor, step: int, k: int) -> str:
    """One step of replica k alone, done again and watched."""
    net, criterion, data = state.net, state.criterion, train
    if net.replicas is not None:
        net, criterion, data = net.replica(k), criterion.replica(k), train.replica(k)
    size = state.batch_size
    x, target = next(iter_batches(data, order[:, step * size : (step + 1) * size], size))
    return first_non_finite(net, criterion, x, target)


def first_non_finite(net: Module, criterion: Loss, x: Any, target: Any) -> str:
    """Name the first thing of a training step that is not finite, in the order of computation.

    net is plain, x and target are its batch; the input, a layer's output, the loss, a parameter's
    gradient (counted from the output's side) or else the update.
    """
    if not _is_finite(x):
        return "the input is not finite"
    places: list[str] = []

    def check_output(path: str, layer: Module, x: Any, y: Any) -> None:
        if not _is_finite(y):
            places.append(f"the output of layer {path or '(the net)'}, {layer.label()}")

    net = copy.deepcopy(net)
    net.zero_grad()
    y, rule = trace_layers(net, x, check_output)
    loss, loss_rule = criterion.forward(y, target)
    if places:
        return places[0]
    if not _is_finite(loss):
        return f"the loss {criterion.label()}"
    rule(loss_rule(loss.new_ones(())))
    for path, parameter in reversed(list(net.named_parameters())):
        if not _is_finite(parameter.grad):
            return f"the gradient of {path}"
    return "the update of the parameters"


def _is_finite(value: Any) -> bool:
    return all(bool(t.isfinite().all()) for _, t in named_leaves(value) if t.is_floating_point())
