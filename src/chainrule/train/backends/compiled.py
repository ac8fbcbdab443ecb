"""A compiled kernel, which is built once on a machine, wherever it can be used.

It does whole epochs of cohorts of small nets, dense and convolutional. The layers stay what is
read; a test holds both to the same numbers. The kernel is in :mod:`chainrule.compiled`, which is
handed the net, the loss and the optimizer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import Any, final

import torch
from torch import Tensor

from chainrule._util.notices import print_once
from chainrule._util.threads import give_threads_to_kernel, kernel_threads
from chainrule.compiled.build import (
    BuildError,
    PendingBuildError,
    wait_for_kernel,
)
from chainrule.compiled.compile import CompiledProgram
from chainrule.compiled.launch import Evaluation, compute_outputs
from chainrule.compiled.orders import draw_in_kernel
from chainrule.data import Dataset
from chainrule.data.batches import epoch_permutations
from chainrule.data.resampled import used_targets
from chainrule.optim.lr_scheduler import ReduceLROnPlateau
from chainrule.train.backends.augmented import AugmentedSamples, augmented_bytes
from chainrule.train.backends.base import (
    Backend,
    BackendStatus,
    Compiled,
    CompileError,
    EpochOutput,
    Plain,
    QuietEpoch,
    stack_orders,
)
from chainrule.train.backends.kernel_epochs import (
    combine_terms,
    count_output_numbers,
    count_schedule_steps,
    measure_steps,
    run_measured_epoch,
    run_program,
    schedule_epochs,
    to_net_output,
)
from chainrule.train.backends.own_steps import run_own_steps
from chainrule.train.backends.plain import PlainBackend
from chainrule.train.backends.programs import (
    ProgramCache,
    compile_predictions,
    compile_steps,
    inference_fingerprint,
    training_fingerprint,
)
from chainrule.train.backends.reach import is_of_library, reaches_training
from chainrule.train.metrics.epoch import CHUNK_NUMBERS, EpochMetrics
from chainrule.train.state import TrainState

__all__ = ["CompiledBackend"]

MAX_EPOCHS_AT_ONCE = 64
SHORT_WORK = 2**30
"""Work of a call that does several epochs: it takes some hundredths of a second, and then Ctrl-C is
heard."""
MAX_ORDERED = 2**20
"""How many samples the orders of such a call name: they are made before."""
MAX_ROWS = 2**10
"""How often a schedule is asked before such a call."""
MAX_AUGMENTED_BYTES = 2**30
"""How large the inputs of an epoch may be that are made ahead."""


@final
class CompiledBackend(Backend):
    """Epochs in the compiled kernel where it knows all that a training is; else the plain way.

    A training begins with a kernel or without, and stays so: where there is none yet, it is built
    beside, for those that begin later. With ``insists`` it is waited for, and there is no other
    way: what the kernel does not know is a CompileError, and none to be had is a BuildError.
    """

    def __init__(self, *, insists: bool = False) -> None:
        self.plain, self.insists = PlainBackend(), insists
        self._training = ProgramCache(training_fingerprint, compile_steps)
        self._inference = ProgramCache(inference_fingerprint, compile_predictions, room=2)
        self._program: CompiledProgram | None = None  # of the training, as it was prepared
        self._missing: Plain | None = None  # why there is no kernel
        self._augmented: AugmentedSamples | None = None

    @property
    def status(self) -> BackendStatus:
        return self._missing or self._training.status

    def __getstate__(self) -> dict[str, object]:
        """Without the samples of an epoch, and the program, which points into this memory."""
        return {**vars(self), "_augmented": None, "_program": None}

    def prepare(self, state: TrainState, train: Dataset) -> BackendStatus:
        """Look at all anew, and build what is missing."""
        self._program = self._find_training_program(state, train)
        return self.status

    def use_threads(self, state: TrainState, train: Dataset) -> AbstractContextManager[None]:
        if self.status == Compiled():
            return give_threads_to_kernel()
        return self.plain.use_threads(state, train)

    def _find_program(
        self, programs: ProgramCache, state: TrainState, data: Dataset
    ) -> CompiledProgram | None:
        """The program, None where the plain way has to do it. Raises as the class says."""
        program = None
        if self._missing is None:
            with self._falls_back(), wait_for_kernel(self.insists):
                program = programs.find_program(state, data)
        if program is None:
            self._check_insistence()
        return program

    def _check_insistence(self) -> None:
        """Raise CompileError where the plain way is not wanted."""
        if self.insists:
            what = str(self.status).removeprefix("plain: ")
            raise CompileError(f"compile=True: {what}; compile='auto' takes the plain path there")

    @contextmanager
    def _falls_back(self) -> Iterator[None]:
        """Without a kernel, nothing more is asked of it; a line on stderr says so once."""
        try:
            yield
        except BuildError as problem:
            if self.insists:
                raise
            self._missing = Plain(str(problem))
            if not isinstance(problem, PendingBuildError):
                print_once(f"chainrule: trainings take the plain path: {problem}")

    def train_epoch(self, state: TrainState, train: Dataset, order: Tensor) -> EpochOutput:
        program, augmented = self._program, self._augmented
        if program and augmented is not None and not augmented.fill(state, train, order):
            why = "augmentation that changes the shape or dtype"
            program, self._training.status = None, Plain(why)
            self._check_insistence()
        if program is None:
            return self.plain.train_epoch(state, train, order)
        if augmented is not None:
            if has_next_epoch(state):
                following = self.draw_orders(state, len(train), [state.epoch + 1])[0]
                augmented.begin_next(state, train, following[:, : order.shape[1]])
            # Its samples lie in the order of the epoch.
            train, order = augmented.data, torch.arange(order.shape[1]).expand(order.shape)
        metrics = EpochMetrics(
            state.batch_metrics, lambda: used_targets(train), state.net.num_replica_dims
        )
        run_epoch = run_measured_epoch if program.updates else run_own_steps
        epoch = run_epoch(program, state, train, order, metrics)
        loss = combine_terms(state, train, order[None], epoch)[0]
        return EpochOutput(loss, epoch.finite[0], metrics.compute())

    def draw_orders(self, state: TrainState, N: int, epochs: Iterable[int]) -> Tensor:
        if self._program is None:
            return super().draw_orders(state, N, epochs)
        draw = partial(draw_in_kernel, dtype=state.optimizer.flats[0].data.dtype)
        return stack_orders([epoch_permutations(N, state.seeds, epoch, draw) for epoch in epochs])

    def epochs_at_once(self, state: TrainState, train: Dataset, test: Dataset | None) -> int:
        program = self._program
        if program is None or not program.updates or is_told_between_epochs(state):
            return 1
        work, outputs = program.work, count_output_numbers(program) if state.batch_metrics else 0
        if test is not None:
            if (evaluation := self._find_inference_program(state, test)) is None:
                return 1
            work += evaluation.work // state.evaluate_every
            outputs += count_output_numbers(evaluation) // state.evaluate_every
        limits = (
            (SHORT_WORK, work),
            (CHUNK_NUMBERS, outputs),
            (MAX_ORDERED, len(train) * len(state.seeds)),
            (MAX_ROWS, count_schedule_steps(state, len(train))),
        )
        fitting = min(most // max(1, each) for most, each in limits)
        return max(1, min(MAX_EPOCHS_AT_ONCE, fitting))

    def train_epochs(
        self, state: TrainState, train: Dataset, orders: Tensor, test: Dataset | None
    ) -> list[QuietEpoch]:
        program = self._program
        due = [state.is_evaluated_after(state.epoch + 1 + i) for i in range(len(orders))]
        test = test if any(due) else None
        look = None if test is None else self._find_inference_program(state, test)
        if program is None or (look is None and test is not None):
            return []  # changed meanwhile: one by one
        evaluation = None if look is None else Evaluation(look, due)
        try:
            rows = schedule_epochs(state, orders)
        except Exception:  # it comes again after the epoch that it is of, which is done alone
            return []
        epochs = run_program(program, state, orders, state.active, rows, evaluation)
        met = (epochs.finite != state.active).flatten(1).any(1)
        whole = int(met.int().argmax()) if bool(met.any()) else len(orders)
        sums = state.optimizer.data_sum()[state.active]
        if whole == len(orders) and not bool(sums.isfinite().all()):
            whole -= 1  # by an update that no step has met
        losses, plain = combine_terms(state, train, orders, epochs), state.net.replicas is None
        looks = iter(epochs.evaluations)
        measured = measure_steps(state, train, orders[:whole], epochs.outputs[:whole])
        return [
            QuietEpoch(
                losses[i],
                measured[i] if measured else {},
                to_net_output(next(looks), plain) if evaluation and due[i] else None,
            )
            for i in range(whole)
        ]

    def _find_training_program(self, state: TrainState, train: Dataset) -> CompiledProgram | None:
        """The program for the samples, or for those that the augmentation makes of them."""
        if state.augment is None:
            self._augmented = None
            return self._find_program(self._training, state, train)
        if augmented_bytes(train, state.net.replicas) > MAX_AUGMENTED_BYTES:
            self._augmented = None
            self._training.refuse("augmentation of so many samples")
            self._check_insistence()
            return None
        if self._augmented is None or not self._augmented.fits(train):
            self._augmented = AugmentedSamples(train, state.net.replicas)
        self._augmented.take_targets(train)
        return self._find_program(self._training, state, self._augmented.data)

    def predict(self, state: TrainState, data: Dataset) -> Any:
        program = self._find_inference_program(state, data)
        if program is None:
            return self.plain.predict(state, data)
        return to_net_output(compute_outputs(program, state.optimizer), state.net.replicas is None)

    def _find_inference_program(self, state: TrainState, data: Dataset) -> CompiledProgram | None:
        """The program that predicts, None where the plain way does it."""
        if self.status == Compiled() and is_packed(state):  # else one way for all
            with self._falls_back():
                return self._inference.find_program(state, data)
        return None


def is_told_between_epochs(state: TrainState) -> bool:
    """Whether what comes next depends on an epoch before, or on something that looks at it."""
    return (
        state.augment is not None
        or isinstance(state.scheduler, ReduceLROnPlateau)
        or is_looked_at(state)
    )


def is_looked_at(state: TrainState) -> bool:
    """Whether a schedule or a metric may see what is trained, and change it."""
    return reaches_training(state.scheduler, state.optimizer) or reaches_training(
        [*state.metrics.values()]
    )


def has_next_epoch(state: TrainState) -> bool:
    """Whether a core is left to augment the samples of another epoch, which nobody changes before.

    With one thread there is none: the processes of a study have all of them at work.
    """
    return (
        state.epoch + 1 < state.epochs
        and kernel_threads() > 1
        and all(is_of_library(type(callback)) for callback in state.callbacks)
        and not is_looked_at(state)
    )


def is_packed(state: TrainState) -> bool:
    """Whether the net's parameters are still those of the optimizer."""
    with suppress(RuntimeError):
        for flat in state.optimizer.flats:
            flat.check()
        return True
    return False
