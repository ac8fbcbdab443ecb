"""The one-cycle schedule: up once and down once, and the momentum against it."""

from __future__ import annotations

from math import cos, pi
from operator import truediv
from typing import Literal, final

from torch import Tensor

from chainrule.optim.inplace import Scalar
from chainrule.optim.lr_scheduler.base import (
    check_all,
    check_optimizer,
    per_group,
    per_replica,
)
from chainrule.optim.lr_scheduler.momentum import MomentumLR
from chainrule.optim.optimizer import Optimizer

__all__ = ["OneCycleLR"]


@final
class OneCycleLR(MomentumLR):
    """lr: ``max_lr`` / ``div_factor`` = lr₀ ↗ ``max_lr`` ↘ lr₀ / ``final_div_factor``

    The way up takes ``pct_start`` of ``total_steps`` (or of ``epochs`` · ``steps_per_epoch``)
    steps; with ``three_phase`` it goes down to lr₀ in as many, and from there to the end. With
    ``cycle_momentum`` the momentum (Adam's β₁) goes ``max_momentum`` ↘ ``base_momentum`` ↗
    ``max_momentum``. Rates and momenta may be lists, one for each parameter group. Call ``step``
    after every batch; it raises ValueError beyond ``total_steps``.

    Smith & Topin, Super-convergence: very fast training of neural networks, 2018.
    """

    constants = ("pct_start", "div_factor", "final_div_factor")
    momentum_constants = ("pct_start",)

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: Scalar | list[Scalar],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: Scalar = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: Scalar | list[Scalar] = 0.85,
        max_momentum: Scalar | list[Scalar] = 0.95,
        div_factor: Scalar = 25.0,
        final_div_factor: Scalar = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.total_steps = _total_steps(total_steps, epochs, steps_per_epoch)
        fraction = f"Expected float between 0 and 1 pct_start, but got {pct_start!r}"
        check_all(lambda: isinstance(pct_start, float | Tensor), fraction)
        check_all(lambda: (pct_start >= 0) & (pct_start <= 1), fraction)
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        self.pct_start, self.anneal_strategy = pct_start, anneal_strategy
        self.three_phase = three_phase
        self.div_factor, self.final_div_factor = div_factor, final_div_factor
        self.max_lrs = per_group("max_lr", max_lr, optimizer)
        self._init_momenta(optimizer, cycle_momentum, base_momentum, max_momentum)
        if last_epoch == -1:
            for group, top in zip(optimizer.param_groups, self.max_lrs, strict=True):
                group["initial_lr"] = per_replica(truediv, top, div_factor)
        super().__init__(optimizer, last_epoch)

    def step(self) -> None:
        if self.last_epoch >= self.total_steps:
            raise ValueError(
                f"Tried to step {self.last_epoch + 1} times. The specified number of total steps "
                f"is {self.total_steps}"
            )
        super().step()

    def group_constants(self, index: int) -> list[Scalar]:
        return [self.pct_start, self.max_lrs[index], self.final_div_factor]

    def next_lr(self, lr: float, base: float, *constants: float) -> float:
        pct_start, top, final_div_factor = constants
        return self._cycle(pct_start, base, top, base / final_div_factor)

    first_lr = next_lr

    def next_momentum(self, high: float, low: float, *constants: float) -> float:
        (pct_start,) = constants
        return self._cycle(pct_start, high, low, high)

    def _cycle(self, pct_start: float, first: float, top: float, last: float) -> float:
        """Where the way first → top (→ first) → last is at this step."""
        steps, begin = self.total_steps, 0.0
        phases = [(pct_start * steps - 1, first, top), (steps - 1.0, top, last)]
        if self.three_phase:
            phases[1:] = [(2 * pct_start * steps - 2, top, first), (steps - 1.0, first, last)]
        for end, a, b in phases[:-1]:
            if self.last_epoch <= end:
                return self._interpolate(a, b, begin, end)
            begin = end
        end, a, b = phases[-1]
        return self._interpolate(a, b, begin, end)

    def _interpolate(self, a: float, b: float, begin: float, end: float) -> float:
        part = (self.last_epoch - begin) / (end - begin) if end != begin else 1.0
        if self.anneal_strategy == "linear":
            return (b - a) * part + a
        return b + (a - b) / 2.0 * (cos(pi * part) + 1)


def _total_steps(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    given = {"total_steps": total_steps}
    if total_steps is None:
        given = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
    total = 1
    for name, number in given.items():
        if number is None:
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
        if number <= 0:
            raise ValueError(f"Expected positive integer {name}, but got {number!r}")
        total *= number
    return total
