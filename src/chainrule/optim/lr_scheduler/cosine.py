"""Schedules down a cosine: once, and again and again."""

from __future__ import annotations

from math import cos, floor, pi
from typing import final

from chainrule.optim.inplace import Scalar
from chainrule.optim.lr_scheduler.base import EpochLR, check_all
from chainrule.optim.optimizer import Optimizer

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts"]


@final
class CosineAnnealingLR(EpochLR):
    """lr = η + (lr₀ − η) (1 + cos(π t / T)) / 2, T: ``T_max``, η: ``eta_min``

    As torch's recursion, which goes on from the present rate, also beyond T.

    Loshchilov & Hutter, SGDR: stochastic gradient descent with warm restarts, 2017.
    """

    constants = ("T_max", "eta_min")

    def __init__(
        self, optimizer: Optimizer, T_max: Scalar, eta_min: Scalar = 0.0, last_epoch: int = -1
    ) -> None:
        check_all(lambda: T_max > 0, f"Expected positive T_max, but got {T_max!r}")
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def next_lr(self, lr: float, base: float, *constants: float) -> float:
        T, low = constants
        t = self.last_epoch
        if (t - 1 - T) % (2 * T) == 0:  # the step up from the lowest point
            return lr + (base - low) * (1 - cos(pi / T)) / 2
        return (1 + cos(pi * t / T)) / (1 + cos(pi * (t - 1) / T)) * (lr - low) + low


@final
class CosineAnnealingWarmRestarts(EpochLR):
    """lr = η + (lr₀ − η) (1 + cos(π s / T)) / 2, s epochs into a cycle of T; η: ``eta_min``

    The first cycle has T = ``T_0`` epochs, each further one ``T_mult`` times as many. ``step`` may
    be given the epoch, also a fraction of one.

    Loshchilov & Hutter, SGDR: stochastic gradient descent with warm restarts, 2017.
    """

    constants = ("T_0", "T_mult", "eta_min")

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: Scalar,
        T_mult: Scalar = 1,
        eta_min: Scalar = 0.0,
        last_epoch: int = -1,
    ) -> None:
        expected = f"Expected positive integer T_0, but got {T_0!r}"
        check_all(lambda: (T_0 > 0) & (T_0 % 1 == 0), expected)
        expected = f"Expected integer T_mult >= 1, but got {T_mult!r}"
        check_all(lambda: (T_mult >= 1) & (T_mult % 1 == 0), expected)
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        self.epoch: float = last_epoch + 1
        super().__init__(optimizer, last_epoch)

    def step(self, epoch: float | None = None) -> None:
        epoch = self.epoch + 1 if epoch is None else epoch
        if epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        self.epoch, self.last_epoch = epoch, floor(epoch)
        self._set_lrs(self.next_lr)

    def restart(self) -> None:
        self.epoch = 0
        super().restart()

    def next_lr(self, lr: float, base: float, *constants: float) -> float:
        T, growth, low = constants
        s = self.epoch
        if growth == 1:
            s %= T
        while s >= T:
            s, T = s - T, T * growth
        return low + (base - low) * (1 + cos(pi * s / T)) / 2

    first_lr = next_lr
