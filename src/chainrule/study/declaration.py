"""What a study is: data, arms to compare, and how often."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from chainrule.data import Dataset
from chainrule.nn.loss import Loss
from chainrule.nn.module import Module
from chainrule.optim import Optimizer
from chainrule.train import Metric

__all__ = ["Arm", "Reported", "Study", "StudyError"]


class StudyError(ValueError):
    """A study that cannot be run as asked; the message says what would be right."""


@dataclass(frozen=True)
class Reported:
    """What a report printed for an arm: mean and standard deviation of the metric."""

    mean: float
    std: float


@dataclass(frozen=True)
class Arm:
    """One of the things compared: how to build a net, its loss and its optimizer."""

    name: str
    net: Callable[[], Module]
    criterion: Callable[[], Loss]
    optimizer: Callable[[Module], Optimizer]
    reported: Reported | None = None
    factors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Study:
    """data x arms x rounds. Every round has fresh data, the same for all arms.

    ``data`` makes the training and the test set of K rounds from their K seeds; ``metric`` is
    what the table reports, on the test set, after the last epoch.
    """

    name: str
    summary: str
    data: Callable[[Sequence[int]], tuple[Dataset, Dataset]]
    arms: Sequence[Arm]
    metric: Metric
    metric_name: str = "accuracy"
    rounds: int = 10
    epochs: int = 25
    batch_size: int = 100
    seed: int = 0

    def select(self, pattern: str) -> list[Arm]:
        """The arms whose names match a glob pattern such as ``mlp*``.

        Raises StudyError, which lists the names, where none does.
        """
        found = [arm for arm in self.arms if fnmatchcase(arm.name, pattern)]
        if not found:
            names = ", ".join(arm.name for arm in self.arms)
            raise StudyError(f"study {self.name}: no arm matches {pattern!r}; arms: {names}")
        return found
