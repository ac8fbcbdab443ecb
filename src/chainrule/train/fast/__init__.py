"""Epochs of cohorts of small dense nets in a compiled kernel: ``Trainer(compile=True)``.

``lower`` turns net and loss into a list of operations (``program``), ``engine`` hands them to the
kernel (``epoch.cpp`` and its headers), which ``build`` compiles once on a machine. The layers stay
what is read; a test holds both to the same numbers.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, final

from torch import Tensor

from chainrule.data import Dataset
from chainrule.train.fast.build import BuildError
from chainrule.train.fast.engine import Plan, plan, run
from chainrule.train.fast.program import Unsupported

if TYPE_CHECKING:
    from chainrule.train.trainer import Learned, Trainer

__all__ = ["Fast"]


@final
class Fast:
    """The compiled path of one trainer; ``path`` says which path its last epoch took."""

    def __init__(self) -> None:
        self.path = "plain: nothing is trained yet"
        self._plan: Plan | None = None
        self._seen: list[object] = []

    def __getstate__(self) -> dict[str, object]:
        """Without the plan, which points into this process's memory."""
        return {"path": self.path, "_plan": None, "_seen": []}

    def forget(self) -> None:
        """Look at everything anew before the next epoch: the data may have changed."""
        self._seen = []

    def ready(self, trainer: Trainer, train: Dataset) -> bool:
        """Whether the kernel can train an epoch of this; warns where it cannot be built."""
        seen = [train, trainer.criterion, *(flat.data for flat in trainer.optimizer.flats)]
        if [*map(id, seen)] != [*map(id, self._seen)]:
            self._seen = seen
            self._look(trainer, train)
        return self._plan is not None

    def _look(self, trainer: Trainer, train: Dataset) -> None:
        self._plan = None
        try:
            self._plan = plan(trainer, train)
            self.path = "compiled"
        except Unsupported as what:
            self.path = f"plain: there is no compiled form of {what}"
        except BuildError as problem:
            self.path = f"plain: {problem}"
            warnings.warn(f"compile=True does nothing here: {problem}", RuntimeWarning, 2)

    def learn(self, trainer: Trainer, train: Dataset, order: Tensor) -> Learned:
        """The steps of an epoch, as ``Trainer._learn``."""
        from chainrule.train.trainer import Learned

        assert self._plan is not None
        epoch = run(trainer, self._plan, order)
        if trainer.net.replicas is not None:
            outputs, whole = epoch.outputs, order
            losses = epoch.losses
        else:
            outputs, whole = {name: y[0] for name, y in epoch.outputs.items()}, order[0]
            losses = epoch.losses[:, 0]
        if not outputs:
            return Learned(losses, epoch.alive, epoch.sizes, [], [])
        y = outputs.get("", outputs)
        return Learned(losses, epoch.alive, epoch.sizes, [y], [train.subset(whole).targets])
