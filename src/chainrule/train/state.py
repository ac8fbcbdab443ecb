"""What a training is made of, and how far it is; and what may look on."""

from __future__ import annotations

import copy
from abc import ABC
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from torch import Tensor

from chainrule._util.argument_checks import CheckedConstructor
from chainrule._util.pytree import take_rows, tree_map
from chainrule.data.augment import Augment
from chainrule.nn.loss import Loss
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter
from chainrule.optim import Optimizer
from chainrule.optim.lr_scheduler import LRScheduler
from chainrule.train.history import History
from chainrule.train.metrics.base import Metric

__all__ = ["Callback", "TrainState", "TrainStateView"]

ParameterMark: TypeAlias = list[tuple[Tensor, int]]
"""The tensor of each parameter, and PyTorch's count of the changes to it."""


def mark_tensors(parameters: Iterable[Parameter]) -> ParameterMark:
    """The parameters' tensors as they are."""
    tensors = [parameter.data for parameter in parameters]
    return [(t, 0 if t.is_inference() else t._version) for t in tensors]


class Callback(CheckedConstructor, ABC):
    """Called while a net is trained; override what is needed."""

    def on_fit_start(self, state: TrainState) -> None:
        """Before the first epoch of a fit."""

    def on_epoch_start(self, state: TrainState) -> None:
        """Before the steps of an epoch."""

    def on_step_end(self, state: TrainState) -> None:
        """After each step of the optimizer."""

    def on_epoch_end(self, state: TrainState) -> None:
        """After an epoch's evaluation; ``state.history`` and ``state.epoch`` are up to date."""

    def on_fit_end(self, state: TrainState) -> None:
        """After the last epoch, or after an interrupt."""

    def state_dict(self) -> dict[str, Any]:
        """What a resumed training needs: tensors, numbers, lists and dicts of them."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave."""


@dataclass(eq=False)
class TrainState:
    """A training: net, loss, optimizer, how its steps are done, and what has been done.

    - ``epoch``, ``steps``: how many epochs, and steps of the optimizer, are done; ``epochs``: how
      many there are to be.
    - ``seeds``: of the order of the samples, one a replica.
    - ``active``: bool (K,), (1,) for a plain net: who still takes part.
    - ``context``: of each replica, what it is in a study: its name, arm, stage, candidate, round,
      fold and member; nothing elsewhere.
    - ``test_output``: the net's for the test set after the last epoch, None where it had no look.

    All else is as in :class:`chainrule.train.Trainer`, which makes it. A callback is given it.
    """

    net: Module
    criterion: Loss
    optimizer: Optimizer
    scheduler: LRScheduler | None
    schedule_every: str
    batch_size: int
    drop_last: bool
    accumulate: int
    evaluate_every: int
    seeds: list[int]
    clip_norm: float | Tensor | None
    clip_value: float | Tensor | None
    metrics: Mapping[str, Metric]
    train_metrics: bool
    augment: Augment | None
    callbacks: list[Callback]
    epoch: int = 0
    epochs: int = 0
    steps: int = 0
    context: tuple[Mapping[str, Any], ...] = ()
    history: History = field(init=False)
    active: Tensor = field(init=False)
    test_output: Any = field(default=None, init=False)
    parameter_mark: ParameterMark | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        K = self.net.replicas
        self.history, self.active = History(K), torch.ones(K or 1, dtype=torch.bool)

    def mark_parameters(self) -> None:
        """Take the parameters as they are: it is from them that the training goes on."""
        self.parameter_mark = mark_tensors(self.net.parameters())

    def check_parameters(self, parameters: Iterable[Parameter] | None = None) -> None:
        """Raise RuntimeError where the parameters were changed since they were marked.

        ``parameters``: the net's, where they are known.
        """
        if self.parameter_mark is None or not self.epoch:
            return
        before, epoch = self.parameter_mark, self.epoch
        now = mark_tensors(parameters or self.net.parameters())
        if len(now) != len(before) or any(
            a is not b or i != j for (a, i), (b, j) in zip(now, before, strict=True)
        ):
            raise RuntimeError(
                f"the net's parameters were changed after epoch {epoch} by something else than "
                "this trainer (net.initialize, load_state_dict, by hand), but it would go on from "
                f"epoch {epoch}. To train anew, build optimizer and trainer anew: "
                f"Trainer(net, criterion, {type(self.optimizer).__name__}(net, ...)).fit(...). To "
                "go on from the parameters as they are now: trainer.accept_parameters()"
            )

    def __getstate__(self) -> dict[str, Any]:
        marked = self.parameter_mark and []
        return {**vars(self), "parameter_mark": marked, "test_output": None}

    def __setstate__(self, values: dict[str, Any]) -> None:
        vars(self).update(values)
        if self.parameter_mark is not None:  # the tensors of a copy are others
            self.mark_parameters()

    @property
    def running(self) -> bool:
        """Whether there is another epoch to do, and a replica that takes part."""
        return self.epoch < self.epochs and not self.history.interrupted and bool(self.active.any())

    @property
    def is_evaluated(self) -> bool:
        """Whether the last epoch is one of those after which the test set is looked at."""
        return self.is_evaluated_after(self.epoch)

    def is_evaluated_after(self, epoch: int) -> bool:
        """Whether the test set is looked at after so many epochs."""
        return epoch % self.evaluate_every == 0 or epoch == self.epochs

    @property
    def batch_metrics(self) -> Mapping[str, Metric]:
        """The metrics that are taken of the outputs for the training batches."""
        return self.metrics if self.train_metrics else {}

    def stop(self, replicas: Tensor) -> None:
        """Let these replicas, a bool mask (K,), take part no more."""
        for k in (self.active & replicas).nonzero().flatten().tolist():
            self.history.stopped[k] = self.epoch
        self.active = self.active & ~replicas

    def keep_replicas(self, index: Tensor) -> None:
        """Keep these replicas of a cohort, in this order, and forget the others    int64 (n,)

        What was replica ``index[i]`` is replica i from now on: its net, moments, numbers, seeds,
        draws and curves. It goes on as it would have, up to the order of floating-point sums. Only
        between two calls of ``fit``, as the data sets change with the replicas. ``history`` is a
        new one; what callbacks hold as tensors (K, …) goes along.

        Raises ValueError, and changes nothing, for a plain net and for indices that are not of
        replicas or not distinct.
        """
        K = self.net.replicas
        self.check_parameters()
        self.net.keep_replicas(index)
        self.optimizer.keep_replicas(index)
        if self.scheduler is not None:
            self.scheduler.keep_replicas(index)
        self.criterion.keep_replicas(index)
        self.history = copy.copy(self.history)
        self.history.keep_replicas(index)
        self.clip_norm = take_rows(self.clip_norm, index)
        self.seeds = [self.seeds[k] for k in index.tolist()]
        self.context = tuple(self.context[k] for k in index.tolist() if self.context)
        self.active, self.test_output = self.active[index], None

        def keep(t: Tensor) -> Any:
            return take_rows(t, index) if t.dim() and len(t) == K else t

        for callback in self.callbacks:
            callback.load_state_dict(tree_map(keep, callback.state_dict()))
        if self.parameter_mark is not None:
            self.mark_parameters()

    def state_dict(self) -> dict[str, Any]:
        """What changes while training, but for the net and the history; the tensors are no copies.

        PyTorch's global generator is in it, which a net without a seed draws from.
        """
        return {
            "epoch": self.epoch,
            "steps": self.steps,
            "seeds": self.seeds,
            "active": self.active,
            "optimizer": self.optimizer.state_dict(),
            "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
            "callbacks": [callback.state_dict() for callback in self.callbacks],
            "torch_rng_state": torch.get_rng_state(),
        }

    def load_state_dict(self, values: Mapping[str, Any]) -> None:
        """Take over what ``state_dict`` gave."""
        self.optimizer.load_state_dict(values["optimizer"])
        if self.scheduler is not None:
            self.scheduler.load_state_dict(values["scheduler"])
        for callback, kept in zip(self.callbacks, values["callbacks"], strict=True):
            callback.load_state_dict(kept)
        self.epoch, self.steps = values["epoch"], values["steps"]
        self.seeds, self.active = list(values["seeds"]), values["active"]
        torch.set_rng_state(values["torch_rng_state"])


class TrainStateView(ABC):
    """What can be asked of whoever has a ``state``, as a trainer does."""

    state: TrainState

    @property
    def net(self) -> Module:
        """What is trained."""
        return self.state.net

    @property
    def criterion(self) -> Loss:
        """The loss, with the net's replicas."""
        return self.state.criterion

    @property
    def optimizer(self) -> Optimizer:
        """What moves the parameters."""
        return self.state.optimizer

    @property
    def scheduler(self) -> LRScheduler | None:
        """What moves the learning rate."""
        return self.state.scheduler

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Name → what is counted beside the loss."""
        return self.state.metrics

    @property
    def callbacks(self) -> list[Callback]:
        """What looks on, in the order of the calls; the list may be changed between fits."""
        return self.state.callbacks

    @property
    def batch_size(self) -> int:
        """Samples a step."""
        return self.state.batch_size

    @property
    def seeds(self) -> list[int]:
        """Of the batch order, one a replica."""
        return self.state.seeds

    @property
    def history(self) -> History:
        """The curves of all epochs so far."""
        return self.state.history

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return self.state.epoch

    @property
    def steps(self) -> int:
        """How many steps are done."""
        return self.state.steps

    @property
    def active(self) -> Tensor:
        """Who still takes part: bool (K,), or (1,)."""
        return self.state.active
