"""LossWrapper: a loss that is made of another one."""

from __future__ import annotations

from abc import ABC
from typing import Self

from torch import Tensor

from chainrule._util.kinds import check_kind
from chainrule.nn.loss.base import Loss

__all__ = ["LossWrapper"]


class LossWrapper(Loss, ABC):
    """A loss that ``loss`` computes of other targets, or reduces otherwise.

    Both have the same replicas. Raises TypeError for what is no loss.
    """

    loss: Loss

    def __init__(self, loss: Loss) -> None:
        check_kind(loss, Loss, type(self).__name__)
        self.loss = loss

    def keep_replicas(self, index: Tensor) -> None:
        """Be the loss of these replicas, and so is ``loss``        index int64 (n,)"""
        super().keep_replicas(index)
        self.loss.keep_replicas(index)

    def replicate(self, K: int) -> Self:
        """The same loss for a cohort of K."""
        cohort = super().replicate(K)
        cohort.loss = self.loss.replicate(K)
        return cohort

    def replica(self, k: int) -> Self:
        """The loss of replica k, for a plain net."""
        plain = super().replica(k)
        plain.loss = self.loss.replica(k)
        return plain
