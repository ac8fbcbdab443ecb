"""Schedules one after another."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeAlias, final

from chainrule._util.words import count_noun
from chainrule.optim.lr_scheduler.base import EpochLR, LRScheduler
from chainrule.optim.lr_scheduler.composite import CompositeScheduler
from chainrule.optim.optimizer import Optimizer

__all__ = ["SequentialLR"]


@final
class SequentialLR(CompositeScheduler):
    """``schedulers[i]`` from epoch ``milestones[i − 1]`` on, where it starts from the first rates

    Build the schedules first, for the same optimizer. A plateau schedule cannot be one of them.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        super().__init__(optimizer)
        for name, given in (("schedulers", schedulers), ("milestones", milestones)):
            if not isinstance(given, list | tuple):
                raise TypeError(f"SequentialLR: {name}: expected a list, got {given!r}")
        self.schedulers: list[Part] = [_check_scheduler(s, optimizer) for s in schedulers]
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "SequentialLR expects one scheduler more than milestones, got "
                f"{count_noun(len(schedulers), 'scheduler')} and "
                f"{count_noun(len(milestones), 'milestone')}"
            )
        if list(milestones) != sorted(milestones):
            raise ValueError(f"SequentialLR expects increasing milestones, got {milestones}")
        self.milestones = list(milestones)
        self.last_epoch = last_epoch + 1
        if last_epoch == -1:
            self.restart()

    def restart(self) -> None:
        """Go back to epoch 0 and the first rates."""
        self.last_epoch = 0
        self._current_scheduler().restart()
        self._store_last_lr()

    def step(self) -> None:
        self.last_epoch += 1
        if self.last_epoch in self.milestones:
            self._current_scheduler().restart()
        else:
            self._current_scheduler().step()
        self._store_last_lr()

    def _current_scheduler(self) -> Part:
        return self.schedulers[bisect_right(self.milestones, self.last_epoch)]


Part: TypeAlias = EpochLR | SequentialLR


def _check_scheduler(scheduler: LRScheduler, optimizer: Optimizer) -> Part:
    if not isinstance(scheduler, EpochLR | SequentialLR):
        raise ValueError(f"SequentialLR does not support {type(scheduler).__name__}")
    if scheduler.optimizer is not optimizer:
        raise ValueError("SequentialLR expects all schedulers to belong to the same optimizer")
    return scheduler
