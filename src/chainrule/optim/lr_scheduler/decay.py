"""Schedules that multiply the learning rate: by a function, by steps, towards a limit.

t is the epoch, ``last_epoch``; γ is ``gamma``; lr₀ the first rate.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast, final

from torch import Tensor

from chainrule._util.pytree import take_rows
from chainrule.optim.inplace import Scalar
from chainrule.optim.lr_scheduler.base import EpochLR, check_all, check_optimizer
from chainrule.optim.optimizer import Optimizer

__all__ = [
    "ConstantLR",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "PolynomialLR",
    "StepLR",
    "TimeBasedLR",
]


class FunctionLR(EpochLR, ABC):
    """A schedule by ``lr_lambda``, a function of t, or a list of one for each parameter group.

    A function may return a tensor (K,). The state does not hold the functions.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], Scalar] | Sequence[Callable[[int], Scalar]],
        last_epoch: int = -1,
    ) -> None:
        groups = len(check_optimizer(optimizer).param_groups)
        given = [lr_lambda] * groups if callable(lr_lambda) else lr_lambda
        if not isinstance(given, Sequence) or not all(map(callable, given)):
            raise TypeError(
                f"{type(self).__name__}: lr_lambda: expected a function of the epoch, or a list of "
                f"one for each parameter group, got {lr_lambda!r}"
            )
        self.lr_lambdas = list(given)
        if len(self.lr_lambdas) != groups:
            raise ValueError(f"Expected {groups} lr_lambdas, but got {len(self.lr_lambdas)}")
        super().__init__(optimizer, last_epoch)

    def group_constants(self, index: int) -> list[Scalar]:
        return [self.lr_lambdas[index](self.last_epoch)]

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        del state["lr_lambdas"]
        return state

    def keep_replicas(self, index: Tensor) -> None:
        super().keep_replicas(index)

        def keep(f: Callable[[int], Scalar]) -> Callable[[int], Scalar]:
            return lambda t: cast("Scalar", take_rows(f(t), index))

        self.lr_lambdas = [keep(f) for f in self.lr_lambdas]


@final
class LambdaLR(FunctionLR):
    """lr = lr₀ f(t), f: ``lr_lambda``, one function, or a list of one for each parameter group

    f may return a tensor (K,). The state does not hold the functions.
    """

    def next_lr(self, lr: float, base: float, *constants: float) -> float:
        (factor,) = constants
        return base * factor

    first_lr = next_lr


@final
class MultiplicativeLR(FunctionLR):
    """lr ← lr f(t) for t > 0, f: ``lr_lambda``, one function, or a list of one for each group

    f may return a tensor (K,). The state does not hold the functions.
    """

    def next_lr(self, lr: float, base: float, *constants: float) -> float:
        (factor,) = constants
        return lr * factor


@final
class StepLR(EpochLR):
    """lr ← γ lr every ``step_size`` epochs"""

    constants = ("step_size", "gamma")

    def __init__(
        self, optimizer: Optimizer, step_size: Scalar, gamma: Scalar = 0.1, last_epoch: int = -1
    ) -> None:
        check_all(lambda: step_size > 0, f"Expected positive step_size, but got {step_size!r}")
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def next_lr(self, lr: float, base: float, *constants: float) -> float:
        step_size, gamma = constants
        return lr if self.last_epoch == 0 or self.last_epoch % step_size else lr * gamma

    first_lr = next_lr


@final
class MultiStepLR(EpochLR):
    """lr ← γ lr at each epoch of ``milestones``; one named n times counts n times"""

    constants = ("gamma",)

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: Scalar = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def next_lr(self, lr: float, base: float, *constants: float) -> float:
        (gamma,) = constants
        times = self.milestones.count(self.last_epoch)
        return lr * gamma**times if times else lr

    first_lr = next_lr


@final
class ExponentialLR(EpochLR):
    """lr ← γ lr every epoch"""

    constants = ("gamma",)

    def __init__(self, optimizer: Optimizer, gamma: Scalar, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def next_lr(self, lr: float, base: float, *constants: float) -> float:
        (gamma,) = constants
        return lr * gamma


@final
class ConstantLR(EpochLR):
    """lr = c lr₀ before epoch T, lr₀ from there on; c: ``factor``, T: ``total_iters``

    As a recursion: lr ← lr / c at T. Raises ValueError unless 0 ≤ c ≤ 1.
    """

    constants = ("factor", "total_iters")

    def __init__(
        self,
        optimizer: Optimizer,
        factor: Scalar = 1.0 / 3,
        total_iters: Scalar = 5,
        last_epoch: int = -1,
    ) -> None:
        check_all(
            lambda: (factor >= 0) & (factor <= 1),
            "Constant multiplicative factor expected to be between 0 and 1.",
        )
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def first_lr(self, lr: float, base: float, *constants: float) -> float:
        return lr * constants[0] if self.last_epoch == 0 else lr

    def next_lr(self, lr: float, base: float, *constants: float) -> float:
        factor, T = constants
        return lr / factor if self.last_epoch == T else lr


@final
class TimeBasedLR(EpochLR):
    """lr = lr₀ / (1 + ``decay`` · t)"""

    constants = ("decay",)

    def __init__(self, optimizer: Optimizer, decay: Scalar, last_epoch: int = -1) -> None:
        check_all(lambda: decay >= 0, f"Invalid decay value: {decay}")
        self.decay = decay
        super().__init__(optimizer, last_epoch)

    def next_lr(self, lr: float, base: float, *constants: float) -> float:
        (decay,) = constants
        return base / (1 + decay * self.last_epoch)


@final
class LinearLR(EpochLR):
    """lr from a lr₀ to b lr₀ in T equal steps

    a: ``start_factor``, b: ``end_factor``, T: ``total_iters``.

    As a recursion: lr ← lr (1 + (b − a) / (T a + (t − 1) (b − a)))
    """

    constants = ("start_factor", "end_factor", "total_iters")

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: Scalar = 1.0 / 3,
        end_factor: Scalar = 1.0,
        total_iters: Scalar = 5,
        last_epoch: int = -1,
    ) -> None:
        check_all(
            lambda: (start_factor > 0) & (start_factor <= 1),
            "Starting multiplicative factor expected to be greater than 0 and less or equal to 1.",
        )
        check_all(
            lambda: (end_factor >= 0) & (end_factor <= 1),
            "Ending multiplicative factor expected to be between 0 and 1.",
        )
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def first_lr(self, lr: float, base: float, *constants: float) -> float:
        return lr * constants[0] if self.last_epoch == 0 else lr

    def next_lr(self, lr: float, base: float, *constants: float) -> float:
        a, b, T = constants
        t = self.last_epoch
        return lr if t > T else lr * (1 + (b - a) / (T * a + (t - 1) * (b - a)))


@final
class PolynomialLR(EpochLR):
    """lr = lr₀ (1 − t / T)^q until t = T, T: ``total_iters``, q: ``power``

    As a recursion: lr ← lr ((1 − t / T) / (1 − (t − 1) / T))^q
    """

    constants = ("total_iters", "power")

    def __init__(
        self,
        optimizer: Optimizer,
        total_iters: Scalar = 5,
        power: Scalar = 1.0,
        last_epoch: int = -1,
    ) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def next_lr(self, lr: float, base: float, *constants: float) -> float:
        T, power = constants
        t = self.last_epoch
        if t > T:
            return lr
        ratio: float = ((1.0 - t / T) / (1.0 - (t - 1) / T)) ** power
        return lr * ratio
