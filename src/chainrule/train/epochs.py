"""Epoch after epoch of a fit, several in a call of the back end where nobody looks in between."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from torch import Tensor

from chainrule._util.stopping import check_stop
from chainrule.data import Dataset
from chainrule.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from chainrule.train.backends import Backend, QuietEpoch
from chainrule.train.checkpoint import Snapshot, restore_snapshot, take_snapshot
from chainrule.train.checks import check_moved
from chainrule.train.divergence import mask_diverged, record_divergence, restore_diverged
from chainrule.train.evaluation import measure, measure_looks
from chainrule.train.progress import ProgressBar
from chainrule.train.state import Callback, TrainState

__all__ = ["run_epochs"]


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
        if last is not None or is_any_called(callbacks, "on_fit_start", "on_epoch_start"):
            check_moved(state.net, state.optimizer)
            backend.prepare(state, train)  # the fit has done both just before its first epoch
        start = time.perf_counter()
        is_awaited = is_any_called(callbacks, "on_epoch_start", "on_epoch_end")
        quiet = 0 if is_awaited else state.epochs - state.epoch
        if not run_quiet_epochs(state, backend, train, test, quiet, before):
            run_epoch(state, backend, train, test, before.net)
        state.history.seconds += time.perf_counter() - start
        for callback in callbacks:
            callback.on_epoch_end(state)
    except KeyboardInterrupt:
        state.history.interrupted = True
        if before is not None:
            restore_snapshot(state, before)
    return before


def is_any_called(callbacks: Sequence[Callback], *names: str) -> bool:
    """Whether a callback does something in one of these; a line of progress can wait."""
    return any(
        getattr(getattr(callback, name), "__func__", None) is not getattr(Callback, name)
        for callback in callbacks
        for name in names
        if not isinstance(callback, ProgressBar)
    )


def run_quiet_epochs(
    state: TrainState,
    backend: Backend,
    train: Dataset,
    test: Dataset | None,
    quiet: int,
    before: Snapshot,
) -> bool:
    """At most so many epochs in one call, where the back end can; False if none was done.

    They are those before a replica met nan or infinity: the epoch of that is left to be done alone.
    """
    count = min(quiet, backend.epochs_at_once(state, train, test)) if quiet > 1 else quiet
    while count > 1:
        epochs = range(state.epoch, state.epoch + count)
        state.net.train()
        orders = epoch_orders(state, backend, train, epochs)
        results = backend.train_epochs(state, train, orders, test)
        if len(results) == count:
            seen = [result.test_output for result in results if result.test_output is not None]
            looks = iter([] if test is None else measure_looks(state, seen, test))
            for result in results:
                state.epoch += 1
                add_curves(state, result, {} if result.test_output is None else next(looks))
            return True
        restore_snapshot(state, before)
        backend.prepare(state, train)  # metrics were taken
        count = len(results)
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
    looked_at = test if state.is_evaluated else None
    y = None if looked_at is None else backend.predict(state, looked_at)
    scores = {} if looked_at is None else measure(state, y, looked_at)
    values = add_curves(state, QuietEpoch(output.loss, output.metrics, y), scores)
    if state.schedule_every == "epoch":
        watched = "train_loss" if test is None else "test_loss"
        step_scheduler(state.scheduler, values.get(watched))


def add_curves(
    state: TrainState, epoch: QuietEpoch, scores: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Append an epoch to the history: its steps, and the scores of the test set, if any.

    Returns name → value, of those too who have diverged.
    """
    values = {f"train_{name}": v for name, v in {"loss": epoch.loss, **epoch.metrics}.items()}
    state.test_output = epoch.test_output
    values |= {f"test_{name}": value for name, value in scores.items()}
    state.history.add(mask_diverged(state.history, values))
    return values


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
