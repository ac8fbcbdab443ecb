"""The cyclic schedule: up and down again and again, and the momentum against it."""

from __future__ import annotations

from collections.abc import Callable
from math import floor, inf
from typing import Any, Literal, final

from chainrule.optim.inplace import Scalar
from chainrule.optim.lr_scheduler.base import check_all, check_optimizer, per_group
from chainrule.optim.lr_scheduler.momentum import MomentumLR
from chainrule.optim.optimizer import Optimizer

__all__ = ["CyclicLR"]

MODES = ("triangular", "triangular2", "exp_range")


@final
class CyclicLR(MomentumLR):
    """lr = ``base_lr`` + s (``max_lr`` − ``base_lr``) h(t), h from 0 up to 1 and down to 0 again

    Up takes ``step_size_up`` steps, down ``step_size_down``, or as many. s is 1 (``triangular``),
    ½ᶜ⁻¹ in cycle c (``triangular2``), ``gamma`` ᵗ (``exp_range``), or ``scale_fn`` of the cycle's
    or the step's number, as ``scale_mode`` says. With ``cycle_momentum`` the momentum (Adam's β₁)
    goes from ``max_momentum`` down to ``base_momentum`` and up. Rates and momenta may be lists, one
    for each parameter group. Call ``step`` after every batch. The state does not hold a function.

    Smith, Cyclical learning rates for training neural networks, 2017. Raises ValueError for another
    mode, for steps that are not above 0, and for an optimizer without momentum to cycle.
    """

    constants = momentum_constants = ("step_size_up", "step_size_down", "gamma")

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: Scalar | list[Scalar],
        max_lr: Scalar | list[Scalar],
        step_size_up: Scalar = 2000,
        step_size_down: Scalar | None = None,
        mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
        gamma: Scalar = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: Literal["cycle", "iterations"] = "cycle",
        cycle_momentum: bool = True,
        base_momentum: Scalar | list[Scalar] = 0.8,
        max_momentum: Scalar | list[Scalar] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        if mode not in MODES and scale_fn is None:
            raise ValueError(f"CyclicLR: expected a mode of {', '.join(MODES)}, got {mode!r}")
        if scale_fn is not None and not callable(scale_fn):
            raise TypeError(f"CyclicLR: scale_fn: expected a function, got {scale_fn!r}")
        if scale_mode not in ("cycle", "iterations"):
            raise ValueError(
                f"CyclicLR: scale_mode: expected cycle or iterations, got {scale_mode!r}"
            )
        self.step_size_up = step_size_up
        self.step_size_down = step_size_up if step_size_down is None else step_size_down
        up, down = self.step_size_up, self.step_size_down
        expected = "expected a finite number above 0, got"
        check_all(lambda: (up > 0) & (up < inf), f"CyclicLR: step_size_up: {expected} {up!r}")
        check_all(
            lambda: (down > 0) & (down < inf), f"CyclicLR: step_size_down: {expected} {down!r}"
        )
        self.mode, self.gamma = mode, gamma
        self.scale_fn, self.scale_mode = scale_fn, scale_mode
        self.low_lrs = per_group("base_lr", base_lr, optimizer)
        self.max_lrs = per_group("max_lr", max_lr, optimizer)
        self._init_momenta(optimizer, cycle_momentum, base_momentum, max_momentum)
        if last_epoch == -1:
            for group, low in zip(optimizer.param_groups, self.low_lrs, strict=True):
                group["initial_lr"] = low
        super().__init__(optimizer, last_epoch)

    def group_constants(self, index: int) -> list[Scalar]:
        return [*super().group_constants(index), self.low_lrs[index], self.max_lrs[index]]

    def next_lr(self, lr: float, base: float, *constants: float) -> float:
        return self._move(*constants)

    first_lr = next_lr

    def next_momentum(self, high: float, low: float, *constants: float) -> float:
        up, down, gamma = constants
        return self._move(up, down, gamma, high, low)

    def _move(self, up: float, down: float, gamma: float, first: float, top: float) -> float:
        """Where the way from ``first`` to ``top`` and back is at this step."""
        total, t = up + down, self.last_epoch
        cycle = floor(1 + t / total)
        x, turn = 1 + t / total - cycle, up / total
        height = x / turn if x <= turn else (x - 1) / (turn - 1)
        return first + (top - first) * height * self._scale(cycle, t, gamma)

    def _scale(self, cycle: int, t: int, gamma: float) -> float:
        if self.scale_fn is not None:
            return self.scale_fn(cycle if self.scale_mode == "cycle" else t)
        if self.mode == "exp_range":
            return float(gamma**t)
        return 0.5 ** (cycle - 1) if self.mode == "triangular2" else 1.0

    def state_dict(self) -> dict[str, Any]:
        return {name: value for name, value in super().state_dict().items() if name != "scale_fn"}
