"""A compiled kernel, which is built once on a machine: ``Trainer(compile=True)``.

It does whole epochs of cohorts of small nets, dense and convolutional. Of other nets it does the
convolutions. The layers stay what is read; a test holds both to the same numbers. The kernel is in
:mod:`chainrule.compiled`, which is handed the net, the loss and the optimizer.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any, final

import torch
from torch import Tensor

from chainrule._util.threads import give_threads_to_kernel
from chainrule.compiled.build import SCALAR_TYPES, BuildError, build_kernel
from chainrule.compiled.conv import use_compiled_convolutions
from chainrule.compiled.launch import (
    CompiledProgram,
    compile_inference,
    compile_training,
    compute_outputs,
    train_epoch,
)
from chainrule.compiled.lowering.loss import is_summed
from chainrule.compiled.lowering.program import Unsupported
from chainrule.data import Dataset
from chainrule.nn.layers.conv import Conv2d
from chainrule.nn.loss.base import combine_values
from chainrule.train.backends.base import (
    Backend,
    BackendStatus,
    Compiled,
    CompiledConvolutions,
    EpochOutput,
    Plain,
)
from chainrule.train.backends.plain import PlainBackend
from chainrule.train.state import Callback, TrainState

__all__ = ["CompiledBackend"]


@final
class CompiledBackend(Backend):
    """Epochs in the compiled kernel where it knows all that a training is; else the plain way."""

    def __init__(self) -> None:
        self.plain = PlainBackend()
        self._training = ProgramCache(compile_steps)
        self._inference = ProgramCache(compile_predictions)
        self._compiles_convolutions = False

    @property
    def status(self) -> BackendStatus:
        return CompiledConvolutions() if self._compiles_convolutions else self._training.status

    def prepare(self, state: TrainState, train: Dataset) -> BackendStatus:
        """Look at all data anew, and build what is missing."""
        self._training.clear()
        self._inference.clear()
        program = self._training.find_program(state, train)
        self._compiles_convolutions = program is None and has_known_convolutions(state)
        if self._compiles_convolutions:
            try:
                build_kernel(state.optimizer.flats[0].data.dtype)
            except BuildError as problem:
                self._compiles_convolutions = False
                self._training.status = warn_and_fall_back(problem)
        return self.status

    def use_threads(self) -> AbstractContextManager[None]:
        if self._compiles_convolutions:
            return use_compiled_convolutions()
        if self._training.status == Compiled():
            return give_threads_to_kernel()
        return self.plain.use_threads()

    def train_epoch(self, state: TrainState, train: Dataset, order: Tensor) -> EpochOutput:
        program = self._training.find_program(state, train)
        if program is None:
            return self.plain.train_epoch(state, train, order)
        epoch = train_epoch(
            program,
            state.criterion,
            state.optimizer,
            order,
            state.active,
            clip_norm=state.clip_norm,
            outputs=state.keeps_train_outputs,
        )
        state.steps += len(epoch.sizes)
        plain = state.net.replicas is None
        losses = epoch.losses[:, 0] if plain else epoch.losses
        sizes = None if is_summed(state.criterion) else torch.tensor(epoch.sizes)
        loss = combine_values(losses, sizes)
        if not epoch.outputs:
            return EpochOutput(loss, epoch.finite, [], [])
        y = to_net_output(epoch.outputs, plain)
        target = train.subset(order[0] if plain else order).targets
        return EpochOutput(loss, epoch.finite, [y], [target])

    def predict(self, state: TrainState, data: Dataset) -> Any:
        program = None
        if self._training.status == Compiled() and is_packed(state):  # else one way for all
            program = self._inference.find_program(state, data)
        if program is None:
            return self.plain.predict(state, data)
        return to_net_output(compute_outputs(program, state.optimizer), state.net.replicas is None)


@final
class ProgramCache:
    """The program for one data set, made anew when that or what is trained is another."""

    def __init__(self, compile_program: Callable[[TrainState, Dataset], CompiledProgram]) -> None:
        self.compile_program = compile_program
        self.status: BackendStatus = Plain("nothing is trained yet")
        self._program: CompiledProgram | None = None
        self._seen: list[object] = []

    def __getstate__(self) -> dict[str, object]:
        """Without the program, which points into this process's memory."""
        return {**vars(self), "_program": None, "_seen": []}

    def clear(self) -> None:
        """Look at everything anew the next time: the data may have changed."""
        self._seen = []

    def find_program(self, state: TrainState, data: Dataset) -> CompiledProgram | None:
        """The program, None where the plain way has to do it; warns where nothing can be built."""
        seen = [data, state.criterion, *(flat.data for flat in state.optimizer.flats)]
        if [*map(id, seen)] != [*map(id, self._seen)]:
            self._seen, self._program = seen, None
            try:
                self._program = self.compile_program(state, data)
                self.status = Compiled()
            except Unsupported as what:
                self.status = Plain(f"there is no compiled form of {what}")
            except BuildError as problem:
                self.status = warn_and_fall_back(problem)
        return self._program


def warn_and_fall_back(problem: BuildError) -> Plain:
    """The status where there is no kernel; warns."""
    warnings.warn(f"compile=True does nothing here: {problem}", RuntimeWarning, 2)
    return Plain(str(problem))


def compile_steps(state: TrainState, train: Dataset) -> CompiledProgram:
    """How to learn from these samples. Raises Unsupported where the plain way has to do it."""
    check_steps(state)
    return compile_training(state.net, state.criterion, state.optimizer, train, state.batch_size)


def compile_predictions(state: TrainState, data: Dataset) -> CompiledProgram:
    """How to compute the net's outputs alone. Raises Unsupported likewise."""
    return compile_inference(state.net, state.optimizer, data)


def check_steps(state: TrainState) -> None:
    """Raise Unsupported for what happens between the steps."""
    if state.clip_value is not None:
        raise Unsupported("clipping by value")
    if state.augment is not None:
        raise Unsupported("augmentation")
    if state.scheduler is not None and state.schedule_every == "step":
        raise Unsupported("a schedule by steps")
    for callback in state.callbacks:
        if type(callback).on_step_end is not Callback.on_step_end:
            raise Unsupported(f"{type(callback).__name__}, which looks at each step")


def has_known_convolutions(state: TrainState) -> bool:
    """Whether the net has convolutions that the kernel may know."""
    data = state.optimizer.flats[0].data
    has = any(isinstance(module, Conv2d) for module in state.net.modules())
    return has and data.device.type == "cpu" and data.dtype in SCALAR_TYPES


def is_packed(state: TrainState) -> bool:
    """Whether the net's parameters are still those of the optimizer."""
    with suppress(RuntimeError):
        for flat in state.optimizer.flats:
            flat.check()
        return True
    return False


def to_net_output(outputs: dict[str, Tensor], plain: bool) -> Any:
    """Outputs by head (K, N, …) as the net gives them."""
    heads = {name: y[0] if plain else y for name, y in outputs.items()}
    return heads.get("", heads)
