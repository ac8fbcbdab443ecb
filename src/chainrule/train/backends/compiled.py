"""A compiled kernel, which ``build`` compiles once on a machine: ``Trainer(compile=True)``.

It does whole epochs of cohorts of small nets, dense and convolutional: ``lower`` turns net and
loss into a list of operations (``program``), ``engine`` hands them over. Of other nets it does the
convolutions (``convolutions``). The layers stay what is read; a test holds both to the same
numbers.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Any, final

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
from chainrule.compiled.lowering.program import Unsupported
from chainrule.data import Dataset
from chainrule.nn.layers.conv import Conv2d
from chainrule.nn.ops.conv import use_conv_backend
from chainrule.train.callbacks import Callback

if TYPE_CHECKING:
    from chainrule.train.trainer import EpochOutput, Trainer

__all__ = ["Fast"]


@final
class Prepared:
    """A plan for one data set, made anew when that or what is trained is another."""

    def __init__(self, look: Callable[[Trainer, Dataset], CompiledProgram]) -> None:
        self.look = look
        self.path = "plain: nothing is trained yet"
        self._plan: CompiledProgram | None = None
        self._seen: list[object] = []

    def __getstate__(self) -> dict[str, object]:
        """Without the plan, which points into this process's memory."""
        return {"look": self.look, "path": self.path, "_plan": None, "_seen": []}

    def forget(self) -> None:
        """Look at everything anew the next time: the data may have changed."""
        self._seen = []

    def plan(self, trainer: Trainer, data: Dataset) -> CompiledProgram | None:
        """The plan, None where the plain path has to do it; warns where nothing can be built."""
        flats = trainer.optimizer.flats
        seen = [data, trainer.criterion, *(flat.data for flat in flats)]
        if [*map(id, seen)] != [*map(id, self._seen)]:
            self._seen, self._plan = seen, None
            try:
                self._plan = self.look(trainer, data)
                self.path = "compiled"
            except Unsupported as what:
                self.path = f"plain: there is no compiled form of {what}"
            except BuildError as problem:
                self.path = unbuilt(problem)
        return self._plan


def unbuilt(problem: BuildError) -> str:
    """The path where there is no kernel; warns."""
    warnings.warn(f"compile=True does nothing here: {problem}", RuntimeWarning, 2)
    return f"plain: {problem}"


@final
class Fast:
    """The compiled path of one trainer."""

    def __init__(self) -> None:
        self._learning, self._judging = Prepared(plan_steps), Prepared(plan_predictions)
        self._convolving = False

    @property
    def path(self) -> str:
        """How the last epoch was trained: "compiled", "plain but for …", or "plain" and why."""
        return "plain but for convolutions" if self._convolving else self._learning.path

    def begin(self, trainer: Trainer, train: Dataset) -> None:
        """Look at all data anew, and build what is missing, before the time is taken."""
        self._learning.forget()
        self._judging.forget()
        planned = self._learning.plan(trainer, train)
        self._convolving = planned is None and convolves(trainer)
        if self._convolving:
            try:
                build_kernel(trainer.optimizer.flats[0].data.dtype)
            except BuildError as problem:
                self._convolving, self._learning.path = False, unbuilt(problem)

    def at_work(self) -> AbstractContextManager[None]:
        """In here, what the kernel does has the threads; of the plain path its convolutions."""
        if self._convolving:
            return use_compiled_convolutions()
        return give_threads_to_kernel() if self.path == "compiled" else use_conv_backend(None)

    def learn(self, trainer: Trainer, train: Dataset, order: Tensor) -> EpochOutput | None:
        """The steps of an epoch as ``Trainer._learn``; None where the plain path has to do them."""
        from chainrule.train.trainer import EpochOutput

        planned = self._learning.plan(trainer, train)
        if planned is None:
            return None
        epoch = train_epoch(
            planned,
            trainer.criterion,
            trainer.optimizer,
            order,
            trainer.active,
            clip_norm=trainer.clip_norm,
            outputs=bool(trainer.metrics) and trainer.train_metrics,
        )
        trainer.steps += len(epoch.sizes)
        plain = trainer.net.replicas is None
        losses = epoch.losses[:, 0] if plain else epoch.losses
        if not epoch.outputs:
            return EpochOutput(losses, epoch.finite, epoch.sizes, [], [])
        y, target = as_net(epoch.outputs, plain), train.subset(order[0] if plain else order).targets
        return EpochOutput(losses, epoch.finite, epoch.sizes, [y], [target])

    def predict(self, trainer: Trainer, data: Dataset) -> Any:
        """The net's outputs; None where the plain path has to do it."""
        if self._learning.path != "compiled" or not packed(trainer):
            return None  # one path for all, and one message
        planned = self._judging.plan(trainer, data)
        return planned and as_net(
            compute_outputs(planned, trainer.optimizer), trainer.net.replicas is None
        )


def plan_steps(trainer: Trainer, train: Dataset) -> CompiledProgram:
    """How to learn from these samples. Raises Unsupported where the plain path has to do it."""
    check_steps(trainer)
    return compile_training(
        trainer.net, trainer.criterion, trainer.optimizer, train, trainer.batch_size
    )


def plan_predictions(trainer: Trainer, data: Dataset) -> CompiledProgram:
    """How to compute the net's outputs alone. Raises Unsupported likewise."""
    return compile_inference(trainer.net, trainer.optimizer, data)


def check_steps(trainer: Trainer) -> None:
    """Raise Unsupported for what happens between the steps."""
    if trainer.clip_value is not None:
        raise Unsupported("clipping by value")
    if trainer.augment is not None:
        raise Unsupported("augmentation")
    if trainer.scheduler is not None and trainer.schedule_every == "step":
        raise Unsupported("a schedule by steps")
    for callback in trainer.callbacks:
        if type(callback).on_step_end is not Callback.on_step_end:
            raise Unsupported(f"{type(callback).__name__}, which looks at each step")


def convolves(trainer: Trainer) -> bool:
    """Whether the net has convolutions that the kernel may know."""
    data = trainer.optimizer.flats[0].data
    has = any(isinstance(module, Conv2d) for module in trainer.net.modules())
    return has and data.device.type == "cpu" and data.dtype in SCALAR_TYPES


def packed(trainer: Trainer) -> bool:
    """Whether the net's parameters are still those of the optimizer."""
    with suppress(RuntimeError):
        for flat in trainer.optimizer.flats:
            flat.check()
        return True
    return False


def as_net(outputs: dict[str, Tensor], plain: bool) -> Any:
    """Outputs by head (K, N, …) as the net gives them."""
    heads = {name: y[0] if plain else y for name, y in outputs.items()}
    return heads.get("", heads)
