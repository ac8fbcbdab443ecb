"""The kernel's programs for a training: how they are made, and kept until what they are made from
is another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, final

from chainrule.compiled.build import kernel
from chainrule.compiled.compile import CompiledProgram, compile_inference, compile_training
from chainrule.compiled.lowering.program import Unsupported
from chainrule.data import Dataset
from chainrule.nn.hooks import has_forward_hook
from chainrule.nn.loss.base import find_losses
from chainrule.train.backends.base import Compiled, Plain
from chainrule.train.backends.fingerprint import Fingerprint
from chainrule.train.backends.kernel_epochs import turns_momentum_off
from chainrule.train.backends.own_methods import check_own_methods, find_own_method
from chainrule.train.backends.reach import reaches_training
from chainrule.train.state import Callback, TrainState

__all__ = [
    "ProgramCache",
    "compile_predictions",
    "compile_steps",
    "inference_fingerprint",
    "training_fingerprint",
]

HOOK = "a hook that sees each layer"


class Made(NamedTuple):
    """A program, or None, what it was made from, and what came of it."""

    source: Fingerprint
    program: CompiledProgram | None
    status: Plain | Compiled


@final
class ProgramCache:
    """The last programs, so many; one is made anew when what it was made from is another."""

    def __init__(
        self,
        fingerprint: Callable[[TrainState, Dataset], Fingerprint],
        compile_program: Callable[[TrainState, Dataset], CompiledProgram],
        room: int = 1,
    ) -> None:
        self.fingerprint, self.compile_program, self.room = fingerprint, compile_program, room
        self.status: Plain | Compiled = Plain("nothing is trained yet")
        self.program: CompiledProgram | None = None
        self._made: list[Made] = []

    def __getstate__(self) -> dict[str, object]:
        """Without the programs, which point into this process's memory."""
        return {**vars(self), "program": None, "_made": []}

    def find_program(self, state: TrainState, data: Dataset) -> CompiledProgram | None:
        """The program, None where the plain way has to do it. Raises BuildError."""
        now = self.fingerprint(state, data)
        found = next((made for made in self._made if made.source == now), None)
        if found is None:
            found = self._make(now, state, data)
        self._made = [found, *(made for made in self._made if made is not found)][: self.room]
        self.program, self.status = found.program, found.status
        return self.program

    def _make(self, source: Fingerprint, state: TrainState, data: Dataset) -> Made:
        try:
            program = self.compile_program(state, data)
        except Unsupported as what:
            return Made(source, None, no_compiled_form(str(what)))
        return Made(source, program, Compiled(kernel(state.optimizer.flats[0].data.dtype).key))

    def refuse(self, what: str) -> None:
        """There is none, without a look at the rest."""
        self.status, self.program, self._made = no_compiled_form(what), None, []


def no_compiled_form(of: str) -> Plain:
    """Why the plain way has to do it."""
    return Plain(f"there is no compiled form of {of}")


def training_fingerprint(state: TrainState, train: Dataset) -> Fingerprint:
    """What the program of a training is made from."""
    found = Fingerprint(find_unknown_step(state), state.batch_size, state.accumulate)
    found.add_net(state.net)
    found.add_net(state.criterion)
    found.add_optimizer(state.optimizer)
    found.add_data(train, targets=True)
    found.add_object(state.augment)
    found.add_object(state.scheduler)
    return found


def inference_fingerprint(state: TrainState, data: Dataset) -> Fingerprint:
    """What a program that predicts is made from."""
    found = Fingerprint(has_forward_hook())
    found.add_net(state.net)
    found.add_optimizer(state.optimizer)
    found.add_data(data, targets=False)
    return found


def compile_steps(state: TrainState, train: Dataset) -> CompiledProgram:
    """How to learn from these samples. Raises Unsupported where the plain way has to do it."""
    if (unknown := find_unknown_step(state)) is not None:
        raise Unsupported(unknown)
    if reaches_training(state.augment):
        raise Unsupported("an augmentation that may look at what is trained")
    if state.schedule_every == "step" and reaches_training(state.scheduler, state.optimizer):
        raise Unsupported("a schedule that may look at what is trained")
    if state.schedule_every == "step" and turns_momentum_off(state.scheduler):
        raise Unsupported("a schedule by step that turns momentum off")
    check_own_methods([*state.net.modules(), *find_losses(state.criterion)])
    parts = state.net, state.criterion, state.optimizer
    updates = find_own_method(state.optimizer) is None
    size, accumulate = state.batch_size, state.accumulate
    return compile_training(*parts, train, size, accumulate, updates=updates)


def compile_predictions(state: TrainState, data: Dataset) -> CompiledProgram:
    """How to compute the net's outputs alone. Raises Unsupported likewise."""
    if has_forward_hook():
        raise Unsupported(HOOK)
    check_own_methods(state.net.modules())
    return compile_inference(state.net, state.optimizer, data)


def find_unknown_step(state: TrainState) -> str | None:
    """What happens in the steps that the kernel does not do, or None."""
    if not isinstance(state.batch_size, int) or state.batch_size < 1:
        return f"batches of {state.batch_size!r}"
    if has_forward_hook():
        return HOOK
    for callback in state.callbacks:
        if getattr(callback.on_step_end, "__func__", None) is not Callback.on_step_end:
            return f"{type(callback).__name__}, which looks at each step"
    return None
