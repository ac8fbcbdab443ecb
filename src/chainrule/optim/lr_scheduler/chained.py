"""Schedules at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

from chainrule.optim.lr_scheduler.base import LRScheduler
from chainrule.optim.lr_scheduler.composite import CompositeScheduler
from chainrule.optim.lr_scheduler.plateau import ReduceLROnPlateau
from chainrule.optim.optimizer import Optimizer

__all__ = ["ChainedScheduler"]


@final
class ChainedScheduler(CompositeScheduler):
    """Each step is one of all ``schedulers``, in their order

    A rule that goes on from the present rate goes on from what those before it have made. Build the
    schedules first, for the same optimizer. Raises ValueError for none, for those of another
    optimizer, and for a plateau schedule, which is told a loss at each step; TypeError for what is
    no schedule.
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        if not isinstance(schedulers, list | tuple):
            raise TypeError(
                f"ChainedScheduler expects a list of schedules, got {type(schedulers).__name__}"
            )
        if not schedulers:
            raise ValueError("ChainedScheduler expects at least one schedule, got none")
        self.schedulers = [check_part(each) for each in schedulers]
        super().__init__(self.schedulers[0].optimizer if optimizer is None else optimizer)
        if any(each.optimizer is not self.optimizer for each in self.schedulers):
            raise ValueError("ChainedScheduler expects all schedules to be of the same optimizer")

    @property
    def last_epoch(self) -> int:  # type: ignore[override]
        """That of the first schedule."""
        return self.schedulers[0].last_epoch

    def step(self) -> None:
        for scheduler in self.schedulers:
            scheduler.step()
        self._store_last_lr()


def check_part(scheduler: Any) -> LRScheduler:
    """A schedule that may be one of several. Raises TypeError or ValueError for another."""
    if not isinstance(scheduler, LRScheduler):
        raise TypeError(f"ChainedScheduler expects schedules, got {type(scheduler).__name__}")
    if isinstance(scheduler, ReduceLROnPlateau):
        raise ValueError("ChainedScheduler does not support ReduceLROnPlateau")
    return scheduler
