"""One net, or one cohort, from the first step to the last."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from chainrule._util.kinds import check_counts
from chainrule._util.stopping import check_stop
from chainrule.data import Dataset
from chainrule.data.augment import Augment
from chainrule.data.batches import count_batches, replica_seeds
from chainrule.nn.loss import Loss
from chainrule.nn.module import Module, seed_draws
from chainrule.optim import Optimizer
from chainrule.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from chainrule.train.backends import Backend, BackendStatus, CompiledBackend, PlainBackend
from chainrule.train.batches import add_replica_axis, check_batch_axis, check_last_batch
from chainrule.train.callbacks import Checkpoint, EarlyStopping
from chainrule.train.checkpoint import (
    Snapshot,
    load_training,
    restore_snapshot,
    save_training,
    take_snapshot,
)
from chainrule.train.checks import (
    check_accumulation,
    check_bounds,
    check_epochs,
    check_moved,
    check_options,
    check_parameters,
    check_parts,
)
from chainrule.train.divergence import mask_diverged, record_divergence, restore_diverged
from chainrule.train.evaluation import measure
from chainrule.train.history import History
from chainrule.train.metrics.base import DecisionMetric, Metric
from chainrule.train.progress import ProgressBar, wants_progress
from chainrule.train.state import Callback, TrainState, TrainStateView

__all__ = ["Trainer"]


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
        clip_value: float | None = None,
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


def run_epochs(
    state: TrainState,
    backend: Backend,
    train: Dataset,
    test: Dataset | None,
    callbacks: Sequence[Callback],
) -> None:
    """Epoch after epoch while there is one to do; Ctrl-C leaves those that are whole."""
    last: Snapshot | None = None
    try:
        while state.running:
            last = run_or_roll_back(state, backend, train, test, callbacks, last)
    except KeyboardInterrupt:  # between two epochs, or once more while the first is answered
        if state.history.interrupted:
            raise
        state.history.interrupted = True


def run_or_roll_back(
    state: TrainState,
    backend: Backend,
    train: Dataset,
    test: Dataset | None,
    callbacks: Sequence[Callback],
    last: Snapshot | None,
) -> Snapshot | None:
    """An epoch, or some short ones, all or nothing: an interrupt leaves things as before.

    Returns how they were; ``last`` is how they were the last time, and its room is taken.
    """
    before: Snapshot | None = None
    try:
        check_stop()
        before = take_snapshot(state, last)
        for callback in callbacks:
            callback.on_epoch_start(state)
        check_moved(state.net, state.optimizer)
        start = time.perf_counter()
        quiet = count_quiet_epochs(state, test, callbacks)
        if not run_quiet_epochs(state, backend, train, quiet, before):
            run_epoch(state, backend, train, test, before.net)
        state.history.seconds += time.perf_counter() - start
        for callback in callbacks:
            callback.on_epoch_end(state)
    except KeyboardInterrupt:
        state.history.interrupted = True
        if before is not None:
            restore_snapshot(state, before)
    return before


def count_quiet_epochs(
    state: TrainState, test: Dataset | None, callbacks: Sequence[Callback]
) -> int:
    """How many epochs are to come that nobody looks at."""
    if any(is_awaited(callback) for callback in callbacks):
        return 0
    left = state.epochs - state.epoch
    if test is None:
        return left
    return min(left, state.evaluate_every - state.epoch % state.evaluate_every) - 1


def is_awaited(callback: Callback) -> bool:
    """Whether a callback does something in each epoch; a line of progress can wait."""
    names = ("on_epoch_start", "on_epoch_end")
    own = [getattr(getattr(callback, name), "__func__", None) for name in names]
    usual = [getattr(Callback, name) for name in names]
    return own != usual and not isinstance(callback, ProgressBar)


def run_quiet_epochs(
    state: TrainState, backend: Backend, train: Dataset, quiet: int, before: Snapshot
) -> bool:
    """At most so many epochs in one call, where the back end can; False if none was done.

    They are those before a replica met nan or infinity: the epoch of that is left to be done alone.
    """
    count = min(quiet, backend.epochs_at_once(state, train))
    while count > 1:
        epochs = range(state.epoch, state.epoch + count)
        state.net.train()
        losses = backend.train_epochs(state, train, epoch_orders(state, backend, train, epochs))
        if len(losses) == count:
            state.epoch += count
            for loss in losses:
                state.history.add(mask_diverged(state.history, {"train_loss": loss}))
            return True
        restore_snapshot(state, before)
        count = len(losses)
    return False


def run_epoch(
    state: TrainState,
    backend: Backend,
    train: Dataset,
    test: Dataset | None,
    before: Mapping[str, Tensor],
) -> None:
    """One epoch: its steps, who diverged in them, the curves, the schedule.

    before: the net's tensors as they were.
    """
    state.net.train()
    order = epoch_orders(state, backend, train, [state.epoch])[0]
    output = backend.train_epoch(state, train, order)
    record_divergence(state, train, order, output.active)
    restore_diverged(state, before)
    state.epoch += 1
    values = {f"train_{name}": v for name, v in {"loss": output.loss, **output.metrics}.items()}
    if test is not None and state.is_evaluated:
        scores = measure(state, backend.predict(state, test), test)
        values |= {f"test_{name}": value for name, value in scores.items()}
    state.history.add(mask_diverged(state.history, values))
    if state.schedule_every == "epoch":
        watched = "train_loss" if test is None else "test_loss"
        step_scheduler(state.scheduler, values.get(watched))


def epoch_orders(
    state: TrainState, backend: Backend, train: Dataset, epochs: Iterable[int]
) -> Tensor:
    """The samples of each epoch in the order of each replica (E, K, n): those of its batches."""
    orders = backend.draw_orders(state, len(train), epochs)
    whole = len(train) // state.batch_size * state.batch_size
    return orders[..., :whole] if state.drop_last else orders


def step_scheduler(scheduler: LRScheduler | None, loss: Tensor | None) -> None:
    """One epoch more for the learning rate; a plateau is one of this loss, where it is known."""
    if isinstance(scheduler, ReduceLROnPlateau):
        if loss is not None:
            scheduler.step(loss)
    elif scheduler is not None:
        scheduler.step()
