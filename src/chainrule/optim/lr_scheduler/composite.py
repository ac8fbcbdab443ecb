"""Schedules made of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from chainrule._util.words import count_noun
from chainrule.optim.lr_scheduler.base import LRScheduler

__all__ = ["CompositeScheduler"]


class CompositeScheduler(LRScheduler):
    """A schedule whose state is that of its ``schedulers``, beside its own."""

    schedulers: Sequence[LRScheduler]

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "schedulers": [s.state_dict() for s in self.schedulers]}

    def keep_replicas(self, index: Tensor) -> None:
        super().keep_replicas(index)
        for scheduler in self.schedulers:
            scheduler.keep_replicas(index)

    def check_state_keys(self, state_dict: Mapping[str, Any]) -> None:
        super().check_state_keys(state_dict)
        states = state_dict["schedulers"]
        if len(states) != len(self.schedulers):
            raise ValueError(
                f"{type(self).__name__}: the state is not of "
                f"{count_noun(len(self.schedulers), 'scheduler')}"
            )
        for scheduler, state in zip(self.schedulers, states, strict=True):
            scheduler.check_state_keys(state)

    def update_state(self, state: dict[str, Any]) -> None:
        for scheduler, part in zip(self.schedulers, state.pop("schedulers"), strict=True):
            scheduler.update_state(part)
        super().update_state(state)
