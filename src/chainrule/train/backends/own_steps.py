"""Epochs whose gradients the kernel computes, and whose steps are the optimizer's own."""

from __future__ import annotations

from itertools import chain

import torch
from torch import Tensor

from chainrule._util.stopping import check_stop
from chainrule.compiled.compile import CompiledProgram
from chainrule.compiled.launch import Epochs, compute_gradients
from chainrule.data import Dataset
from chainrule.train.backends.kernel_epochs import to_net_output
from chainrule.train.backends.plain import make_closure, step_optimizer
from chainrule.train.metrics.epoch import EpochMetrics
from chainrule.train.state import TrainState

__all__ = ["run_own_steps"]


def run_own_steps(
    program: CompiledProgram,
    state: TrainState,
    train: Dataset,
    order: Tensor,
    metrics: EpochMetrics,
) -> Epochs:
    """An epoch in this order (K, N): the gradients of each step, then the optimizer's ``step``."""
    plain, active, parts = state.net.replicas is None, state.active, []
    for index in torch.split(order, state.batch_size * state.accumulate, 1):
        check_stop()
        wanted = bool(state.batch_metrics)
        found = compute_gradients(program, state.criterion, state.optimizer, index, outputs=wanted)
        finite = active & found.finite
        active = finite[0, -1]

        def look(index: Tensor = index) -> Tensor:
            again = compute_gradients(program, state.criterion, state.optimizer, index)
            return last_loss(again, plain=plain)

        step_optimizer(state, active, make_closure(state, last_loss(found, plain=plain), look))
        if wanted:
            target = train.subset_targets(index[0] if plain else index)
            metrics.add(to_net_output(found.outputs[0], plain), target)
        parts.append(found._replace(finite=finite, outputs=[]))
    losses, masks, sizes, *_ = zip(*parts, strict=True)
    return Epochs(torch.cat(losses, 2), torch.cat(masks, 1), [*chain(*sizes)], [], [])


def last_loss(found: Epochs, *, plain: bool) -> Tensor:
    """The loss of the last batch        (K,), or () of a plain net"""
    loss = found.losses[0, :, -1].sum(0)
    return loss[0] if plain else loss
