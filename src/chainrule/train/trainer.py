"""One net, or one cohort, from the first step to the last."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from chainrule import seeds
from chainrule._util.pytree import named_leaves, tree_map
from chainrule.data import Dataset
from chainrule.nn.loss import Loss
from chainrule.nn.module import Module
from chainrule.nn.ops.conv import use_conv_backend
from chainrule.nn.vjp import accumulate_param_grads
from chainrule.optim import Optimizer, clip_grad_norm_, clip_grad_value_
from chainrule.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from chainrule.train import checkpoint, divergence
from chainrule.train.backends.compiled import Fast
from chainrule.train.batches import epoch_permutations, iter_batches
from chainrule.train.callbacks import Callback, Checkpoint
from chainrule.train.history import History
from chainrule.train.inference import eval_mode, join, predict
from chainrule.train.metrics import Metric, averaged
from chainrule.train.progress import ProgressBar, wants_progress

__all__ = ["Augment", "EpochOutput", "Trainer", "fit"]

Augment: TypeAlias = Callable[[Tensor, Sequence[int], int], Tensor]
"""(inputs (K, B, …), a seed a replica, number of the step) → inputs of the same shape."""


class EpochOutput(NamedTuple):
    """What the steps of an epoch leave behind.

    losses (steps, K) or (steps,); alive bool (steps, K or 1), who was still finite in each step;
    the samples of each step; and, where metrics are wanted, outputs and targets of the batches.
    """

    losses: Tensor
    alive: Tensor
    sizes: Sequence[int]
    outputs: Sequence[Any]
    targets: Sequence[Any]


class Trainer:
    """Trains ``net`` with ``criterion`` and ``optimizer``; K replicas at once if it is a cohort.

    - ``scheduler``: a learning rate schedule, stepped after each epoch (``schedule_every="step"``:
      after each step of the optimizer).
    - ``batch_size``: samples a step; the last batch of an epoch may be smaller.
    - ``seed``: of the batch order; one number, or one a replica. Replica k's order depends on its
      own seed and the epoch alone; from one number come K seeds.
    - ``clip_norm``, ``clip_value``: bounds on each replica's gradient.
    - ``metrics``: name → function of (output, target) giving one number a sample.
      ``train_metrics=False`` leaves them out on the training batches.
    - ``augment``: changes each training batch, a function of (inputs, seeds, step).
    - ``callbacks``: see :class:`Callback`.
    - ``compile``: train small nets in a compiled kernel, of other nets the convolutions; it
      needs a C++ compiler once, and the results agree up to rounding. What it does not know takes
      the plain path: ``path`` says which. Without a compiler there is a warning, and that path.

    A replica whose loss or gradient becomes nan or infinite keeps the parameters it had before
    that step, takes part no more, and is listed in ``history.diverged``; the others do not notice.

    Raises ValueError where the numbers do not make sense.
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
        seed: int | Sequence[int] = 0,
        clip_norm: float | Tensor | None = None,
        clip_value: float | None = None,
        metrics: Mapping[str, Metric] | None = None,
        train_metrics: bool = True,
        augment: Augment | None = None,
        callbacks: Sequence[Callback] = (),
        compile: bool = False,  # noqa: A002 (the word for it)
    ) -> None:
        _check_parts(net, criterion, optimizer)
        if batch_size < 1:
            raise ValueError(f"batch_size is at least 1, got {batch_size}")
        if schedule_every not in ("epoch", "step"):
            raise ValueError(f"schedule_every is 'epoch' or 'step', got {schedule_every!r}")
        if schedule_every == "step" and isinstance(scheduler, ReduceLROnPlateau):
            raise ValueError("ReduceLROnPlateau judges epochs: schedule_every='epoch'")
        K = net.replicas
        same = K is None or criterion.replicas is not None
        self.net, self.optimizer, self.scheduler = net, optimizer, scheduler
        self.criterion = criterion if same or K is None else criterion.replicate(K)
        self.schedule_every, self.batch_size = schedule_every, batch_size
        self.seeds = _seeds(seed, K)
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.metrics, self.train_metrics = dict(metrics or {}), train_metrics
        self.augment = augment
        # A checkpoint comes last: it saves what the others have done in that epoch.
        self.callbacks = sorted(callbacks, key=lambda c: isinstance(c, Checkpoint))
        self._fast = Fast() if compile else None
        self.epoch, self.epochs, self.steps = 0, 0, 0
        self._test: Dataset | None = None
        self.history = History(K)
        self.active = torch.ones(K or 1, dtype=torch.bool)

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
        without replicas serve all replicas of a cohort. ``progress``: a line on stderr (None:
        where that is a terminal). Ctrl-C goes back to the end of the last whole epoch and returns
        what is done, with ``history.interrupted``.

        Raises ValueError where a data set does not fit the net or is empty.
        """
        if not isinstance(epochs, int):
            raise TypeError(f"epochs is a whole number, got {epochs!r}")
        if epochs < 0:
            raise ValueError(f"epochs is at least 0, got {epochs}")
        train, self._test = (
            self._with_replica_axis(train),
            None if test is None else self._with_replica_axis(test),
        )
        if not len(train):
            raise ValueError("there is nothing to train on: the data set is empty")
        self.epochs, self.history.interrupted = epochs, False
        if self._fast is not None:
            self._fast.begin(self, train)
        callbacks = [*self.callbacks, *([ProgressBar()] if wants_progress(progress) else [])]
        for callback in callbacks:
            callback.on_fit_start(self)
        try:
            with use_conv_backend(None) if self._fast is None else self._fast.at_work():
                before: dict[str, Any] | None = None
                while self._should_continue():
                    before = self._epoch_or_rollback(train, callbacks, before)
        finally:
            for callback in callbacks:
                callback.on_fit_end(self)
        return self.history

    def _should_continue(self) -> bool:
        running = not self.history.interrupted and bool(self.active.any())
        return running and self.epoch < self.epochs

    def _epoch_or_rollback(
        self, train: Dataset, callbacks: Sequence[Callback], last: dict[str, Any] | None
    ) -> dict[str, Any] | None:
        """An epoch, all of it or nothing: an interrupt leaves things as they were before it.

        Returns how they were; ``last`` is how they were one epoch before, and its room is taken.
        """
        before: dict[str, Any] | None = None
        try:
            before = checkpoint.snapshot(self, last)
            start = time.perf_counter()
            self._epoch(train, before["net"])
            self.history.seconds += time.perf_counter() - start
            for callback in callbacks:
                callback.on_epoch_end(self)
        except KeyboardInterrupt:
            if before is not None:
                checkpoint.restore(self, before)
            self.history.interrupted = True
        return before

    def _epoch(self, train: Dataset, before: Mapping[str, Tensor]) -> None:
        self.net.train()
        order = epoch_permutations(len(train), self.seeds, self.epoch)
        done = self._train_epoch(train, order)
        divergence.record_divergence(self, train, order, done.alive)
        divergence.restore_diverged(self, before)
        self.epoch += 1
        values = {"train_loss": self._total(done.losses, done.sizes)}
        values |= self._measure("train", done.outputs, done.targets)
        if self._test is not None:
            values |= {f"test_{name}": v for name, v in self.evaluate(self._test).items()}
        self.history.add(
            {name: divergence.mask_diverged(self.history, v) for name, v in values.items()}
        )
        if self.scheduler is not None and self.schedule_every == "epoch":
            self._schedule(values)

    def _train_epoch(self, train: Dataset, order: Tensor) -> EpochOutput:
        """The steps of an epoch, its samples in this order (K, N). Another engine replaces it."""
        if self._fast is not None and (done := self._fast.learn(self, train, order)) is not None:
            return done
        active = self.active.to(train.inputs.device)
        losses, alive, outputs, targets, sizes = [], [], [], [], []
        for x, target in iter_batches(train, order, self.batch_size):
            y, loss, active = self._step(self._augmented(x), target, active)
            losses.append(loss)
            alive.append(active)
            sizes.append(_samples(x, self.net.num_replica_dims))
            if self.metrics and self.train_metrics:
                outputs.append(y)
                targets.append(target)
        return EpochOutput(torch.stack(losses), torch.stack(alive), sizes, outputs, targets)

    def _step(self, x: Any, target: Any, active: Tensor) -> tuple[Any, Tensor, Tensor]:
        """One update: forward, loss, chain rule, clip, step. Returns output, loss, who is alive."""
        y, rule = self.net.forward(x)
        loss, loss_rule = self.criterion.forward(y, target)
        self.optimizer.zero_grad()
        accumulate_param_grads(rule, loss_rule(torch.ones_like(loss)))
        active = active & (loss + self.optimizer.grad_sum()).isfinite()
        if self.clip_norm is not None:
            clip_grad_norm_(self.optimizer, self.clip_norm)
        if self.clip_value is not None:
            clip_grad_value_(self.optimizer, self.clip_value)
        everyone = active.device.type == "cpu" and bool(active.all())
        self.optimizer.step(None if everyone else active)
        self.steps += 1
        if self.scheduler is not None and self.schedule_every == "step":
            self.scheduler.step()
        for callback in self.callbacks:
            callback.on_step_end(self)
        return y, loss, active

    def _augmented(self, x: Tensor) -> Tensor:
        """The batch as the augmentation changes it, each replica's by its own seed."""
        if self.augment is None:
            return x
        K = self.net.replicas
        if K is None:
            return self.augment(x[None], self.seeds, self.steps)[0]
        if len(x) == 1 and len(set(self.seeds)) == 1:
            return self.augment(x, self.seeds[:1], self.steps)
        return self.augment(x.expand(K, *x.shape[1:]), self.seeds, self.steps)

    def _total(self, losses: Tensor, sizes: Sequence[int]) -> Tensor:
        """losses (steps, K) or (steps,) as one for the epoch: (K,) or a scalar."""
        if getattr(self.criterion, "reduction", "mean") == "sum":
            return losses.sum(0)
        weights = torch.tensor(sizes, dtype=losses.dtype, device=losses.device)
        return losses.movedim(0, -1) @ weights / weights.sum()

    def _schedule(self, values: Mapping[str, Tensor]) -> None:
        if isinstance(self.scheduler, ReduceLROnPlateau):
            self.scheduler.step(values.get("test_loss", values["train_loss"]))
        elif self.scheduler is not None:
            self.scheduler.step()

    def _measure(
        self, part: str, outputs: Sequence[Any], targets: Sequence[Any]
    ) -> dict[str, Tensor]:
        if not outputs:
            return {}
        axis = self.net.num_replica_dims
        y, target = join(outputs, axis), join(targets, axis)
        return {f"{part}_{name}": averaged(f, y, target, axis) for name, f in self.metrics.items()}

    @torch.no_grad()
    def evaluate(self, data: Dataset) -> dict[str, Tensor]:
        """The loss and the metrics on a data set, in evaluation mode: name → (K,), or a scalar."""
        data = self._with_replica_axis(data)
        return self.measure(self.predict(data), data)

    @torch.no_grad()
    def measure(self, y: Any, data: Dataset) -> dict[str, Tensor]:
        """The loss and the metrics of outputs for a data set: name → (K,), or a scalar."""
        data = self._with_replica_axis(data)
        loss, _ = self.criterion.forward(y, data.targets)
        lead, metrics = self.net.num_replica_dims, self.metrics.items()
        named = {name: averaged(f, y, data.targets, lead) for name, f in metrics}
        return {"loss": loss, **named}

    @torch.no_grad()
    def predict(self, data: Dataset) -> Any:
        """The net's outputs for a data set's inputs, in evaluation mode."""
        data = self._with_replica_axis(data)
        if self._fast is not None and (y := self._fast.predict(self, data)) is not None:
            return y
        with eval_mode(self.net) as net:
            return predict(net, data, self.batch_size)

    @property
    def path(self) -> str:
        """How the last epoch was trained: "compiled", or "plain" and why."""
        return "plain" if self._fast is None else self._fast.path

    def stop(self, replicas: Tensor) -> None:
        """Let these replicas, a bool mask (K,), take part no more."""
        for k in (self.active & replicas).nonzero().flatten().tolist():
            self.history.stopped[k] = self.epoch
        self.active = self.active & ~replicas

    def save(self, path: str | Path) -> None:
        """Write all that a training is, atomically; :func:`chainrule.load` reads the net of it."""
        checkpoint.save(self, path)

    def load(self, path: str | Path) -> None:
        """Go on, bit for bit, from a file that ``save`` wrote.

        The trainer must be built as it was then. Raises FileError where the file is damaged or
        of another net, and changes nothing.
        """
        checkpoint.load(self, path)

    def _with_replica_axis(self, data: Dataset) -> Dataset:
        """The data set with the net's replica axis."""
        if not isinstance(data, Dataset):
            raise TypeError(f"expected a Dataset(inputs, targets), got {type(data).__name__}")
        K = self.net.replicas
        if data.replicas == K:
            return data
        if data.replicas is not None:
            raise ValueError(f"the data set has {data.replicas} replicas, the net {K or 'none'}")
        return Dataset(data.inputs[None], tree_map(lambda t: t[None], data.targets), K)


def fit(
    net: Module,
    train: Dataset,
    test: Dataset | None = None,
    *,
    criterion: Loss,
    optimizer: Optimizer,
    epochs: int,
    progress: bool | None = None,
    **options: Any,
) -> History:
    """Train a net or a cohort in one call: ``Trainer(…, **options).fit(…)``."""
    trainer = Trainer(net, criterion, optimizer, **options)
    return trainer.fit(train, test, epochs=epochs, progress=progress)


def _check_parts(net: Module, criterion: Loss, optimizer: Optimizer) -> None:
    if getattr(criterion, "reduction", "mean") == "none":
        raise ValueError(f"a training needs one number: {criterion.label()} does not reduce")
    known = {id(parameter) for parameter in net.parameters()}
    if any(id(p) not in known for group in optimizer.param_groups for p in group["params"]):
        raise ValueError("the optimizer moves parameters that are not the net's")
    if optimizer.replicas != net.replicas:
        raise ValueError(
            f"the net's replicas are {net.replicas}, the optimizer's {optimizer.replicas}: build "
            "the optimizer from the net, or say replicas=net.replicas"
        )


def _seeds(seed: int | Sequence[int], K: int | None) -> list[int]:
    if isinstance(seed, int):
        return [seed] if K is None else [seeds.derive(seed, "replica", k) for k in range(K)]
    if len(seed) != (K or 1):
        raise ValueError(f"expected {K or 1} seed(s), one a replica, got {len(seed)}")
    return list(seed)


def _samples(x: Any, lead: int) -> int:
    return next(named_leaves(x))[1].shape[lead]
