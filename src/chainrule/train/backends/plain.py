"""The steps as the layers do them: what is to be read, and what all other ways are held to."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple, final

import torch
from torch import Tensor

from chainrule._util.pytree import named_leaves, tree_map
from chainrule._util.stopping import check_stop
from chainrule._util.threads import torch_threads
from chainrule.data import Dataset
from chainrule.data.augment import augment_samples
from chainrule.data.batches import count_batches, iter_batches
from chainrule.data.resampled import stored_data, used_targets
from chainrule.nn.errors import check_forward, check_loss
from chainrule.nn.layers.conv import Conv
from chainrule.nn.loss.base import LossTerm, combine_batches, sum_counted
from chainrule.nn.vjp import accumulate_param_grads
from chainrule.optim import clip_grad_norm_, clip_grad_value_
from chainrule.train.backends.base import Backend, BackendStatus, EpochOutput, Plain
from chainrule.train.inference import eval_mode, predict_in_slices
from chainrule.train.metrics.epoch import EpochMetrics
from chainrule.train.state import TrainState

__all__ = ["PlainBackend", "augment_batch", "make_closure", "step_optimizer"]

SMALL_WORK = 2**22
"""Multiplications of a step forward, below which a second thread costs more than it brings."""


@final
class PlainBackend(Backend):
    """Forward, loss, chain rule, clip, step, for each batch."""

    status = Plain()

    def prepare(self, state: TrainState, train: Dataset) -> BackendStatus:
        return self.status

    def use_threads(self, state: TrainState, train: Dataset) -> AbstractContextManager[None]:
        """Small products get one thread: the others would wait for them without rest."""
        return torch_threads(1) if is_small_work(state, train) else nullcontext()

    def train_epoch(self, state: TrainState, train: Dataset, order: Tensor) -> EpochOutput:
        active = state.active.to(stored_data(train).inputs.device)
        terms, masks = [], []
        metrics = EpochMetrics(
            state.batch_metrics, lambda: used_targets(train), state.net.num_replica_dims
        )
        batches = count_batches(order.shape[1], state.batch_size)
        for i, (x, target) in enumerate(iter_batches(train, order, state.batch_size)):
            check_stop()
            x, target = augment_batch(state, x, target, state.epoch * batches + i)
            turn = find_turn(state, i, batches)
            y, batch_terms, active = train_batch(state, x, target, active, turn)
            terms.append(batch_terms)
            masks.append(active)
            metrics.add(y, target)
        return EpochOutput(combine_batches(terms), torch.stack(masks), metrics.compute())

    def predict(self, state: TrainState, data: Dataset) -> Any:
        with eval_mode(state.net) as net:
            return predict_in_slices(net, data, state.batch_size)


def is_small_work(state: TrainState, train: Dataset) -> bool:
    """Whether the products of a step are too small for several threads.

    Of layers that use their weights more than once for a sample, or that somebody else wrote, it is
    not known.
    """
    numbers = sum(flat.data.numel() for flat in state.optimizer.flats)
    return (
        stored_data(train).inputs.device.type == "cpu"
        and numbers * min(state.batch_size, len(train)) <= SMALL_WORK
        and all(
            type(module).__module__.startswith("chainrule.") and not isinstance(module, Conv)
            for module in state.net.modules()
        )
    )


class Turn(NamedTuple):
    """Where a batch stands among those that make one step: ``share`` is its share of the mean."""

    first: bool
    last: bool
    share: float


def find_turn(state: TrainState, i: int, batches: int) -> Turn:
    """That of batch i of an epoch, whose last step may have fewer."""
    n = state.accumulate
    size = min(n, batches - i // n * n)
    return Turn(i % n == 0, i % n == size - 1, 1 / size)


def train_batch(
    state: TrainState, x: Any, target: Any, active: Tensor, turn: Turn
) -> tuple[Any, list[LossTerm], Tensor]:
    """Forward, loss and chain rule of a batch; with the last one of a turn clip and step.

    Returns the output, the terms of the loss and who is active.
    """
    y, loss = find_gradients(state, x, target, turn)
    terms = state.criterion.split_terms(y, target, loss)
    active = active & (sum_counted(terms) + state.optimizer.grad_sum()).isfinite()
    if turn.last:

        def look() -> Tensor:
            return find_gradients(state, x, target, turn)[1]

        step_optimizer(state, active, make_closure(state, loss, look))
    return y, terms, active


def find_gradients(state: TrainState, x: Any, target: Any, turn: Turn) -> tuple[Any, Tensor]:
    """Forward, loss and chain rule of a batch: the output and the loss."""
    y, rule = check_forward(state.net, state.net.forward(x), x)
    loss, loss_rule = check_loss(
        state.criterion, state.criterion.forward(y, target), y, reduced=True
    )
    if turn.first:
        state.optimizer.zero_grad()
    accumulate_param_grads(rule, loss_rule(torch.full_like(loss, turn.share)))
    return y, loss


def make_closure(
    state: TrainState, loss: Tensor, look: Callable[[], Tensor]
) -> Callable[[], Tensor] | None:
    """The loss of a batch and its gradients, as an optimizer asks for them; None where none does.

    At first those that are there already, then what another ``look`` gives.
    """
    known = [loss]

    def closure() -> Tensor:
        if known:
            return known.pop()
        found = look()
        clip_gradients(state)
        return found

    return closure if state.optimizer.needs_closure else None


def step_optimizer(
    state: TrainState, active: Tensor, closure: Callable[[], Tensor] | None = None
) -> None:
    """Clip, step, schedule; who looks on is told."""
    clip_gradients(state)
    everyone = active.device.type == "cpu" and bool(active.all())
    state.optimizer.step(closure, active=None if everyone else active)
    state.steps += 1
    if state.scheduler is not None and state.schedule_every == "step":
        state.scheduler.step()
    for callback in state.callbacks:
        callback.on_step_end(state)


def clip_gradients(state: TrainState) -> None:
    """Clip as the training says, each replica by itself."""
    if state.clip_norm is not None:
        clip_grad_norm_(state.optimizer, state.clip_norm)
    if state.clip_value is not None:
        clip_grad_value_(state.optimizer, state.clip_value)


def augment_batch(state: TrainState, x: Tensor, target: Any, step: int) -> tuple[Tensor, Any]:
    """The batch of a step as the augmentation changes it, each replica's by its own seed."""
    if state.augment is None:
        return x, target
    K = state.net.replicas
    if K is None:
        x, target = x[None], tree_map(lambda t: t[None], target)
        x, target = augment_samples(state.augment, x, target, state.seeds, step)
        return x[0], tree_map(lambda t: t[0], target)
    shared = all(len(t) == 1 for _, t in named_leaves((x, target)))
    if shared and len(set(state.seeds)) == 1:
        return augment_samples(state.augment, x, target, state.seeds[:1], step)

    def expand(t: Tensor) -> Tensor:
        return t.expand(K, *t.shape[1:])

    return augment_samples(state.augment, expand(x), tree_map(expand, target), state.seeds, step)
