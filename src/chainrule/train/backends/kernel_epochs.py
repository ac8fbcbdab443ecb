"""Epochs in the kernel, as a training's numbers say: what they leave, in the trainer's words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from math import prod
from typing import Any

import torch
from torch import Tensor

from chainrule.compiled.compile import CompiledProgram
from chainrule.compiled.launch import Epochs, Evaluation, Heads, train_epochs
from chainrule.compiled.lowering.optimizer import (
    HyperparameterRows,
    hyperparameter_rows,
    optimizer_flags,
)
from chainrule.compiled.lowering.targets import batch_weights, loss_targets, weights_follow_order
from chainrule.data import Dataset
from chainrule.data.batches import count_batches
from chainrule.data.resampled import ResampledDataset, stored_data, used_targets
from chainrule.nn.loss.base import combine_values
from chainrule.optim.inplace import is_nonzero
from chainrule.optim.lr_scheduler import LRScheduler
from chainrule.optim.lr_scheduler.composite import CompositeScheduler
from chainrule.optim.lr_scheduler.momentum import MomentumLR
from chainrule.train.metrics.base import measure_several, prepare_metrics
from chainrule.train.metrics.epoch import CHUNK_NUMBERS, EpochMetrics
from chainrule.train.state import TrainState

__all__ = [
    "combine_terms",
    "count_output_numbers",
    "count_schedule_steps",
    "measure_steps",
    "run_measured_epoch",
    "run_program",
    "schedule_epochs",
    "to_net_output",
    "turns_momentum_off",
]


def count_output_numbers(program: CompiledProgram) -> int:
    """Numbers that the nets put out for all samples of the program."""
    return program.samples * program.args.replicas * sum(map(prod, program.heads.values()))


def run_measured_epoch(
    program: CompiledProgram,
    state: TrainState,
    train: Dataset,
    order: Tensor,
    metrics: EpochMetrics,
) -> Epochs:
    """An epoch in this order (K, N), some steps at a time where there are metrics of them."""
    if not state.batch_metrics:
        rows = schedule_steps(state, order)
        return run_program(program, state, order[None], state.active, rows)
    plain, active, parts = state.net.replicas is None, state.active, []
    numbers = len(order) * sum(map(prod, program.heads.values())) * state.batch_size
    step = state.batch_size * state.accumulate
    size = step * -(-CHUNK_NUMBERS // max(1, numbers * state.accumulate))
    for index in torch.split(order, size, 1):
        rows = schedule_steps(state, index)
        epoch = run_program(program, state, index[None], active, rows)
        target = train.subset_targets(index[0] if plain else index)
        metrics.add(to_net_output(epoch.outputs[0], plain), target)
        parts.append(epoch._replace(outputs=[]))
        active = epoch.finite[0, -1]
    losses, finite, sizes, *_ = zip(*parts, strict=True)
    return Epochs(torch.cat(losses, 2), torch.cat(finite, 1), [*chain(*sizes)], [], [])


def measure_steps(
    state: TrainState, train: Dataset, orders: Tensor, outputs: Sequence[Heads]
) -> list[dict[str, Tensor]]:
    """The metrics of each epoch's steps in these orders (E, K, N), of what they put out."""
    plain, axis = state.net.replicas is None, state.net.num_replica_dims
    if not outputs:  # where there are no metrics
        return []
    metrics = prepare_metrics(state.batch_metrics, lambda: used_targets(train))
    targets = [train.subset_targets(order[0] if plain else order) for order in orders]
    return measure_several(metrics, [to_net_output(y, plain) for y in outputs], targets, axis)


def run_program(
    program: CompiledProgram,
    state: TrainState,
    orders: Tensor,
    active: Tensor,
    hyperparameters: HyperparameterRows | None = None,
    evaluation: Evaluation | None = None,
) -> Epochs:
    """E epochs in these orders (E, K, N), by the state's numbers; its steps are counted.

    Who is not active (K,) learns nothing.
    """
    epochs = train_epochs(
        program,
        state.criterion,
        state.optimizer,
        orders,
        active,
        clip_norm=state.clip_norm,
        clip_value=state.clip_value,
        hyperparameters=hyperparameters,
        outputs=bool(state.batch_metrics),
        evaluation=evaluation,
    )
    state.steps += len(orders) * count_steps(state, orders.shape[2])
    return epochs


def count_steps(state: TrainState, N: int) -> int:
    """Those of the optimizer in an epoch of so many samples, or in a part of one."""
    return -(-count_batches(N, state.batch_size) // state.accumulate)


def count_schedule_steps(state: TrainState, N: int) -> int:
    """Those of the schedule in an epoch of so many samples."""
    return count_steps(state, N) if state.schedule_every == "step" else 1


def schedule_steps(state: TrainState, order: Tensor) -> HyperparameterRows | None:
    """The optimizer's numbers in a part of an epoch (K, N), where a schedule sets each step's.

    Raises what the schedule raises, and ValueError where it turns a part of the rule on or off.
    """
    if state.scheduler is None or state.schedule_every != "step":
        return None
    return schedule_rows(state, state.scheduler, count_steps(state, order.shape[1]), 1)


def schedule_epochs(state: TrainState, orders: Tensor) -> HyperparameterRows | None:
    """The same of whole epochs (E, K, N), by a schedule of either kind."""
    if state.scheduler is None:
        return None
    E, _, N = orders.shape
    rows = count_schedule_steps(state, N)
    return schedule_rows(state, state.scheduler, E * rows, count_steps(state, N) // rows)


def schedule_rows(
    state: TrainState, scheduler: LRScheduler, count: int, steps_per_row: int
) -> HyperparameterRows:
    """So many rows of numbers, each for as many steps; the schedule is told the end of each."""
    optimizer = state.optimizer

    def find_flags() -> list[bytes]:
        return [bytes(optimizer_flags(optimizer, i)) for i in range(len(optimizer.flats))]

    flags = find_flags()

    def advance() -> None:
        scheduler.step()
        if find_flags() != flags:
            raise ValueError(
                f"{type(scheduler).__name__} turns a part of the update rule on or off (a momentum "
                "of 0 is none): with compile=False it can do so at each step"
            )

    return hyperparameter_rows(optimizer, count, steps_per_row, advance)


def turns_momentum_off(scheduler: LRScheduler | None) -> bool:
    """Whether a schedule goes to a momentum of 0, which is none, and back."""
    if isinstance(scheduler, CompositeScheduler):
        return any(map(turns_momentum_off, scheduler.schedulers))
    if not isinstance(scheduler, MomentumLR) or not scheduler.cycle_momentum:
        return False
    return not all(map(is_nonzero, (*scheduler.base_momentums, *scheduler.max_momentums)))


def combine_terms(state: TrainState, train: Dataset, orders: Tensor, epochs: Epochs) -> Tensor:
    """The loss of each epoch's samples together, of its parts in each batch    (E, K) or (E,)"""
    plain, (E, _, _, K) = state.net.replicas is None, epochs.losses.shape
    stored = stored_data(train).targets
    targets = [t[None] if plain else t for t in loss_targets(state.criterion, stored)]

    def combine(order: Tensor, terms: Tensor) -> Tensor:
        """terms (terms, steps, …)"""
        sizes, dtype = epochs.sizes, terms.dtype
        weights = batch_weights(state.criterion, targets, order, sizes, dtype)
        first = weights[0]
        if all(w is first for w in weights):
            side_by_side = combine_values(terms.movedim(0, 1).flatten(1), first)
            found: list[Tensor] = [*side_by_side.reshape(len(terms), -1)]
        else:
            found = [combine_values(losses, w) for losses, w in zip(terms, weights, strict=True)]
        return sum(found[1:], found[0])

    if weights_follow_order(state.criterion, targets):
        if isinstance(train, ResampledDataset):
            orders = torch.stack([train.locate(order) for order in orders])
        each = zip(orders, epochs.losses, strict=True)
        found = torch.stack([combine(order, terms) for order, terms in each])
    else:  # what a batch counts does not depend on the order: side by side
        found = combine(orders[0], epochs.losses.permute(1, 2, 0, 3).flatten(2)).reshape(E, K)
    return found[:, 0] if plain else found


def to_net_output(outputs: Heads, plain: bool) -> Any:
    """Outputs by head (K, N, …) as the net gives them."""
    heads: dict[str, Any] = {}
    for (head, item), each in outputs.items():
        y = each[0] if plain else each
        heads[head] = y if item is None else (*heads.get(head, ()), y)
    return heads.get("", heads)
