"""The abstract schedules: what all rules for the learning rate share."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from itertools import repeat
from typing import Any, ClassVar

import torch
from torch import Tensor

from chainrule._util.argument_checks import CheckedConstructor
from chainrule._util.kinds import check_kind
from chainrule._util.pytree import take_rows
from chainrule.optim.hyperparameters import check_number, check_state_keys
from chainrule.optim.inplace import Scalar
from chainrule.optim.optimizer import Optimizer

__all__ = [
    "EpochLR",
    "LRScheduler",
    "check_all",
    "check_optimizer",
    "per_group",
    "per_replica",
]


class LRScheduler(CheckedConstructor, ABC):
    """Sets the "lr" of each of an optimizer's groups; call ``step`` once an epoch."""

    last_epoch: int

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = check_optimizer(optimizer)
        self._store_last_lr()

    @abstractmethod
    def step(self, *args: Any, **kwargs: Any) -> None:
        """Go on by one epoch."""

    def get_last_lr(self) -> list[Scalar]:
        """Each group's rate as last set."""
        return self._last_lr

    def _store_last_lr(self) -> None:
        self._last_lr: list[Scalar] = [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """What a save needs: numbers, tensors and lists of them; functions are left out."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a state that ``state_dict`` gave; the rates are in the optimizer's own.

        Raises ValueError, and changes nothing, unless it is the state of such a schedule.
        """
        self.check_state_keys(state_dict)
        self.update_state(copy.deepcopy(dict(state_dict)))

    def keep_replicas(self, index: Tensor) -> None:
        """Go on with the rates of these replicas of a cohort alone        index int64 (n,)"""
        vars(self).update(take_rows(LRScheduler.state_dict(self), index))

    def check_state_keys(self, state_dict: Mapping[str, Any]) -> None:
        check_state_keys(type(self).__name__, self.state_dict(), state_dict)

    def update_state(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


class EpochLR(LRScheduler, ABC):
    """lr ← ``next_lr(lr, lr₀, constants)`` at each epoch; lr₀ is the first rate.

    The rule is written for one replica, in plain numbers. Rates and constants may be tensors
    (K,): then it is worked out for each replica, in float64. As in torch, the constructor sets
    the rate of epoch 0, a rule that goes on from the present rate respects what others made of
    it, and with ``last_epoch`` ≥ 0 the groups must have their "initial_lr" already.
    """

    constants: ClassVar[tuple[str, ...]] = ()  # the attributes that the rule takes

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        super().__init__(optimizer)
        for name in self.constants:
            check_number(name, getattr(self, name), optimizer.replicas)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copy.deepcopy(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"'initial_lr' is not specified in param_groups[{i}]: it is needed to resume "
                    "a schedule; load the optimizer's state first"
                )
        self.base_lrs: list[Scalar] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch + 1
        self._set_lrs(self.first_lr)

    @abstractmethod
    def next_lr(self, lr: float, base: float, *constants: float) -> float:
        """The rate of epoch ``last_epoch``, given the present one and the first."""

    def first_lr(self, lr: float, base: float, *constants: float) -> float:
        """The rate that the schedule begins with: the present one, unless a rule says else."""
        return lr

    def step(self) -> None:
        self.last_epoch += 1
        self._set_lrs(self.next_lr)

    def restart(self) -> None:
        """Go back to epoch 0 and the first rates."""
        self.last_epoch = 0
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = base
        self._set_lrs(self.first_lr)

    def group_constants(self, index: int) -> list[Scalar]:
        """What the rule takes for the parameter group of this index."""
        return [getattr(self, name) for name in self.constants]

    def _set_lrs(self, rule: Callable[..., float]) -> None:
        for i, group in enumerate(self.optimizer.param_groups):
            constants = self.group_constants(i)
            group["lr"] = per_replica(rule, group["lr"], self.base_lrs[i], *constants)
        self._store_last_lr()


def per_replica(rule: Callable[..., Any], *numbers: Scalar) -> Any:
    """``rule`` of plain numbers; where some are tensors (K,), of each replica's, as (K,).

    A rule that returns a tuple gives as many tensors.
    """
    numbers = tuple(n.item() if isinstance(n, Tensor) and not n.dim() else n for n in numbers)
    tensors = [n for n in numbers if isinstance(n, Tensor)]
    if not tensors:
        return rule(*numbers)
    rows = zip(*(n.tolist() if isinstance(n, Tensor) else repeat(n) for n in numbers), strict=False)
    values = torch.tensor([rule(*row) for row in rows], dtype=torch.float64)
    return values.movedim(0, -1).to(tensors[0].device)


def per_group(name: str, value: Any, optimizer: Optimizer) -> list[Scalar]:
    """A value for each parameter group: those of the list given, or the same for all."""
    count = len(optimizer.param_groups)
    values = list(value) if isinstance(value, list | tuple) else [value] * count
    if len(values) != count:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups: expected {count}, "
            f"got {len(values)}"
        )
    for number in values:
        check_number(name, number, optimizer.replicas)
    return values


def check_optimizer(optimizer: Any) -> Optimizer:
    """The optimizer, if it is one; else TypeError."""
    check_kind(optimizer, Optimizer, "optimizer")
    found: Optimizer = optimizer
    return found


def check_all(condition: Callable[[], Any], message: str) -> None:
    """Raise ValueError unless the condition, a bool or a tensor of them, holds throughout.

    It does not hold of what cannot be compared, as a text.
    """
    try:
        holds = bool(torch.as_tensor(condition()).all())
    except TypeError:
        holds = False
    if not holds:
        raise ValueError(message)
