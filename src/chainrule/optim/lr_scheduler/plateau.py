"""A schedule that waits until a metric stops improving."""

from __future__ import annotations

from math import inf
from typing import Literal, final

from chainrule.optim.hyperparameters import check_number
from chainrule.optim.inplace import Scalar
from chainrule.optim.lr_scheduler.base import (
    LRScheduler,
    check_all,
    per_group,
    per_replica,
)
from chainrule.optim.optimizer import Optimizer

__all__ = ["ReduceLROnPlateau"]


@final
class ReduceLROnPlateau(LRScheduler):
    """lr ← max(``factor`` · lr, ``min_lr``) after more than ``patience`` epochs that were no better

    Better (``mode`` "min") is less than best · (1 − ``threshold``), or with ``threshold_mode``
    "abs" less than best − ``threshold``; "max" turns it round. For ``cooldown`` epochs after a
    reduction bad epochs do not count. A change of at most ``eps`` is not made. nan is not better.

    Given a metric (K,), each replica has its own ``best``, ``num_bad_epochs`` and rate, as tensors
    (K,); the numbers above may be (K,) too, ``min_lr`` also a list, one for each group.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: Scalar = 0.1,
        patience: Scalar = 10,
        threshold: Scalar = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: Scalar = 0,
        min_lr: Scalar | list[Scalar] = 0,
        eps: Scalar = 1e-8,
    ) -> None:
        super().__init__(optimizer)
        check_all(lambda: factor < 1.0, "Factor should be < 1.0.")
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        self.mode, self.threshold_mode = mode, threshold_mode
        self.factor, self.patience, self.threshold = factor, patience, threshold
        self.cooldown, self.eps = cooldown, eps
        for name in ("factor", "patience", "threshold", "cooldown", "eps"):
            check_number(name, getattr(self, name), optimizer.replicas)
        self.min_lrs = per_group("min_lr", min_lr, optimizer)
        self.best: Scalar = inf if mode == "min" else -inf
        self.num_bad_epochs: Scalar = 0
        self.cooldown_counter: Scalar = 0
        self.last_epoch = 0

    def step(self, metrics: Scalar) -> None:
        check_number("metrics", metrics, self.optimizer.replicas)
        if self.optimizer.replicas is None:
            metrics = float(metrics)
        self.last_epoch += 1
        self.best, self.num_bad_epochs, self.cooldown_counter, reduce = per_replica(
            self._update_counters,
            metrics,
            self.best,
            self.num_bad_epochs,
            self.cooldown_counter,
            self.patience,
            self.threshold,
            self.cooldown,
        )
        for group, low in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
            numbers = (group["lr"], reduce, self.factor, low, self.eps)
            group["lr"] = per_replica(_reduce_lr, *numbers)
        self._store_last_lr()

    def _update_counters(
        self,
        metric: float,
        best: float,
        bad: float,
        resting: float,
        patience: float,
        threshold: float,
        cooldown: float,
    ) -> tuple[float, float, float, bool]:
        """(best, bad epochs, epochs left to rest, whether to reduce) after this epoch."""
        sign = 1 if self.mode == "min" else -1
        margin = sign * threshold
        bound = best - margin if self.threshold_mode == "abs" else best * (1 - margin)
        better = sign * metric < sign * bound
        best, bad = (metric, 0) if better else (best, bad + 1)
        if resting > 0:
            bad, resting = 0, resting - 1
        if bad > patience:
            return best, 0, cooldown, True
        return best, bad, resting, False


def _reduce_lr(lr: float, reduce: bool, factor: float, low: float, eps: float) -> float:
    new = max(lr * factor, low)
    return new if reduce and lr - new > eps else lr
