"""Trainings of several nets as one work: one net after the other, dealt out over processes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, final

import numpy as np
import torch

from benchmarks.sides import Peer
from benchmarks.task import Runner, Task
from benchmarks.work import Work

__all__ = ["RaggedTask", "RaggedWork", "Side", "train_ragged"]


def train_ragged(peer: Peer) -> Peer:
    """The same side, given a ragged task."""
    return replace(peer, module=__name__, options={**peer.options, "inner": peer.module})


@dataclass(frozen=True)
class RaggedTask:
    """Tasks of several nets; training i is number i // n of the task i % n."""

    parts: tuple[Task, ...]

    @property
    def K(self) -> int:
        """How many trainings."""
        return sum(part.K for part in self.parts)

    def part(self, low: int, high: int) -> RaggedTask:
        """The trainings low … high − 1."""
        n, parts = len(self.parts), []
        for i in range(low, min(low + n, high)):
            first = i // n
            parts.append(self.parts[i % n].part(first, first + -(-(high - i) // n)))
        return RaggedTask(tuple(parts))

    def tiny(self) -> RaggedTask:
        """See :class:`Task`."""
        return RaggedTask((self.parts[0].tiny(),))


@dataclass(frozen=True)
class RaggedWork:
    """Works that differ in their nets alone."""

    name: str
    parts: tuple[Work, ...]

    @property
    def replicas(self) -> int:
        """How many trainings."""
        return sum(part.replicas for part in self.parts)

    @property
    def epochs(self) -> int:
        """Of each timed run."""
        return self.parts[0].epochs

    @property
    def steps(self) -> int:
        """Of one replica in a timed run."""
        return self.parts[0].steps

    @property
    def flops(self) -> int:
        """Of the products of a replica's step, the mean over all."""
        return sum(part.flops * part.replicas for part in self.parts) // self.replicas

    def smaller(self) -> RaggedWork:
        """See :class:`Work`."""
        return replace(self, parts=tuple(part.smaller() for part in self.parts))

    def quick(self) -> RaggedWork:
        """See :class:`Work`."""
        return replace(self, parts=tuple(part.quick() for part in self.parts))

    def task(self, dtype: torch.dtype = torch.float32) -> RaggedTask:
        """The arrays."""
        return RaggedTask(tuple(part.task(dtype) for part in self.parts))


@final
class Side(Runner):
    """A side of the module ``inner`` for each net, one after the other."""

    def __init__(self, task: RaggedTask, inner: str, **options: Any) -> None:
        made = import_module(inner).Side
        self.sides: list[Runner] = [made(part, **options) for part in task.parts]
        self.note = "; ".join(dict.fromkeys(side.note for side in self.sides))

    def reset(self) -> None:
        for side in self.sides:
            side.reset()

    def train(self, epochs: int) -> np.ndarray:
        found = [side.train(epochs) for side in self.sides]
        losses = np.empty((epochs, sum(each.shape[1] for each in found)))
        for i, each in enumerate(found):
            losses[:, i :: len(found)] = each
        return losses
