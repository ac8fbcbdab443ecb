"""One net, or one cohort, from the first step to the last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from chainrule._util.argument_checks import check_arguments
from chainrule._util.kinds import check_counts
from chainrule.data import Dataset
from chainrule.data.augment import Augment
from chainrule.data.batches import count_batches, replica_seeds
from chainrule.nn.loss import Loss
from chainrule.nn.module import Module, seed_draws
from chainrule.optim import Optimizer
from chainrule.optim.lr_scheduler import LRScheduler
from chainrule.train.backends import Backend, BackendStatus, CompiledBackend, PlainBackend
from chainrule.train.batches import add_replica_axis, check_batch_axis, check_last_batch
from chainrule.train.callbacks import Checkpoint, EarlyStopping
from chainrule.train.checkpoint import load_training, save_training
from chainrule.train.checks import (
    check_accumulation,
    check_bounds,
    check_epochs,
    check_moved,
    check_options,
    check_parameters,
    check_parts,
)
from chainrule.train.epochs import run_epochs
from chainrule.train.evaluation import measure
from chainrule.train.history import History
from chainrule.train.metrics.base import DecisionMetric, Metric
from chainrule.train.progress import ProgressBar, wants_progress
from chainrule.train.state import Callback, TrainState, TrainStateView

__all__ = ["Trainer"]


@check_arguments
class Trainer(TrainStateView):
    """Trains ``net`` with ``criterion`` and ``optimizer``; K replicas at once if it is a cohort.

    - ``scheduler``: a learning rate schedule, stepped after each epoch (``schedule_every="step"``:
      after each step of the optimizer).
    - ``batch_size``: samples a batch; the last one of an epoch may be smaller, and is left out with
      ``drop_last``.
    - ``accumulate``: batches whose mean gradient makes one step of the optimizer.
    - ``evaluate_every``: epochs from one evaluation on the test set to the next; the last epoch of
      a fit has one too. In between the test curves are nan, and who follows them waits.
    - ``seed``: of the batch order, and of dropout in a net without a seed; a number, from which K
      come, or one a replica: what a replica draws depends on its own seed and the epoch alone.
    - ``clip_norm``, ``clip_value``: bounds on each replica's gradient.
    - ``metrics``: name → function of (output, target) giving one number a sample.
      ``train_metrics=False`` leaves them out on the training batches.
    - ``augment``: changes each training batch: a function of (inputs, seeds, step), or an
      :class:`Augmentation`, which changes targets too.
    - ``callbacks``: see :class:`Callback`.
    - ``compile``: "auto" trains small nets in a compiled kernel, and what that does not know on
      the plain path; ``backend_status`` says which, and why. The results agree up to rounding. The
      kernel needs a C++ compiler once; while it is built, and where it cannot be, trainings take
      the plain path. False is that path always. True insists: it waits for the kernel, and raises
      CompileError or BuildError where that cannot do it all.

    A replica whose loss or gradient becomes nan or infinite keeps the parameters it had before
    that step, takes part no more, and is listed in ``history.diverged``; the others do not notice.

    ``state`` has all of this, and how far the training is; ``backend`` computes its epochs.

    Raises ValueError where the numbers do not make sense, TypeError for what is no such object.
    """

    def __init__(
        self,
        net: Module,
        criterion: Loss,
        optimizer: Optimizer,
        *,
        scheduler: LRScheduler | None = None,
        schedule_every: str = "epoch",
        batch_size: int = 100,
        drop_last: bool = False,
        accumulate: int = 1,
        evaluate_every: int = 1,
        seed: int | Sequence[int] = 0,
        clip_norm: float | Tensor | None = None,
        clip_value: float | Tensor | None = None,
        metrics: Mapping[str, Metric] | None = None,
        train_metrics: bool = True,
        augment: Augment | None = None,
        callbacks: Sequence[Callback] = (),
        compile: bool | Literal["auto"] = "auto",  # noqa: A002 (the word for it)
    ) -> None:
        check_parts(net, criterion, optimizer, scheduler, metrics, callbacks)
        check_options(scheduler, schedule_every, augment)
        check_counts(batch_size=batch_size, accumulate=accumulate, evaluate_every=evaluate_every)
        check_bounds(clip_norm=clip_norm, clip_value=clip_value)
        check_accumulation(optimizer, accumulate)
        if net.replicas is not None and criterion.replicas is None:
            criterion = criterion.replicate(net.replicas)
        self.backend = choose_backend(compile)
        self.state = TrainState(
            net,
            criterion,
            optimizer,
            scheduler=scheduler,
            schedule_every=schedule_every,
            batch_size=batch_size,
            drop_last=drop_last,
            accumulate=accumulate,
            evaluate_every=evaluate_every,
            seeds=replica_seeds(seed, net.replicas),
            clip_norm=clip_norm,
            clip_value=clip_value,
            metrics=bind_metrics(metrics or {}, criterion),
            train_metrics=train_metrics,
            augment=augment,
            # A checkpoint comes last: it saves what the others have done in that epoch.
            callbacks=sorted(callbacks, key=lambda c: isinstance(c, Checkpoint)),
        )

    @property
    def backend_status(self) -> BackendStatus:
        """Which way the last epoch was computed; ``str`` says it: "compiled", "plain" and why."""
        return self.backend.status

    @torch.no_grad()
    def fit(
        self,
        train: Dataset,
        test: Dataset | None = None,
        *,
        epochs: int,
        progress: bool | None = None,
    ) -> History:
        """Train up to ``epochs`` epochs in all and return the history.

        A trainer that has done some already, or was resumed, does only what is missing. Data sets
        without replicas serve all replicas of a cohort. ``progress``: a line that says how far
        it is (None: on a terminal and in a notebook). Ctrl-C goes back to the end of the last whole
        epoch and returns what is done, with ``history.interrupted``.

        Raises ValueError where a data set does not fit the net, leaves no batch, or a last one of a
        single sample that a layer refuses, and where a layer takes samples for steps (batch_first);
        RuntimeError where parameters were changed meanwhile (``accept_parameters``), or layers.
        """
        state, backend = self.state, self.backend
        check_epochs(epochs)
        train = add_replica_axis(train, state.net.replicas)
        test = None if test is None else add_replica_axis(test, state.net.replicas)
        if not len(train):
            raise ValueError("there is nothing to train on: the data set is empty")
        check_parameters(state)
        if state.epoch < epochs:
            count_batches(len(train), state.batch_size, drop_last=state.drop_last)
            check_batch_axis(state.net, state.criterion, train)
            if not state.drop_last:
                check_last_batch(state.net, train, state.batch_size)
        state.epochs, state.history.interrupted = epochs, False
        seed_draws(state.net, state.seeds)
        backend.prepare(state, train)
        callbacks = [*state.callbacks, *([ProgressBar()] if wants_progress(progress) else [])]
        for callback in callbacks:
            callback.on_fit_start(state)
        try:
            with backend.use_threads(state, train):
                run_epochs(state, backend, train, test, callbacks)
        finally:
            for callback in callbacks:
                callback.on_fit_end(state)
            state.mark_parameters()
        return state.history

    def evaluate(self, data: Dataset) -> dict[str, Tensor]:
        """The loss and the metrics on a data set, in evaluation mode: name → (K,), or a scalar."""
        return self.measure(self.predict(data), data)

    @torch.no_grad()
    def measure(self, y: Any, data: Dataset) -> dict[str, Tensor]:
        """The loss and the metrics of outputs for a data set: name → (K,), or a scalar."""
        return measure(self.state, y, add_replica_axis(data, self.net.replicas))

    @torch.no_grad()
    def predict(self, data: Dataset) -> Any:
        """The net's outputs for a data set's inputs, in evaluation mode."""
        return self.backend.predict(self.state, add_replica_axis(data, self.net.replicas))

    def accept_parameters(self) -> None:
        """Go on from the parameters as they are now, changed since the last fit by another hand."""
        check_moved(self.net, self.optimizer)
        for callback in self.callbacks:
            if isinstance(callback, EarlyStopping):
                callback.last_state = {}
        self.state.mark_parameters()

    def save(self, path: str | Path) -> None:
        """Write all that a training is, atomically; :func:`chainrule.load` reads the net of it."""
        save_training(self.state, path)

    def load(self, path: str | Path) -> None:
        """Go on, bit for bit, from a file that ``save`` wrote.

        The trainer must be built as it was then. Raises FileError where the file is damaged or
        of another net, and changes nothing.
        """
        load_training(self.state, path)
        self.state.mark_parameters()


def bind_metrics(metrics: Mapping[str, Metric], criterion: Loss) -> dict[str, Metric]:
    """The metrics, those of decisions with what the loss means."""
    return {
        name: metric.with_loss(criterion) if isinstance(metric, DecisionMetric) else metric
        for name, metric in metrics.items()
    }


def choose_backend(compile: bool | str) -> Backend:  # noqa: A002
    """Who computes the epochs. Raises ValueError for another word than "auto"."""
    if compile not in (True, False, "auto"):
        raise ValueError(f"compile is True, False or 'auto', got {compile!r}")
    return CompiledBackend(insists=compile is True) if compile else PlainBackend()
