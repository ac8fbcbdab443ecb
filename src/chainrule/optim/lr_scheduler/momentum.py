"""The abstract schedule whose momentum goes against the rate."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from chainrule.optim.inplace import Scalar
from chainrule.optim.lr_scheduler.base import EpochLR, per_group, per_replica
from chainrule.optim.optimizer import Optimizer

__all__ = ["MomentumLR"]


class MomentumLR(EpochLR, ABC):
    """Beside the rate it may set each group's momentum (Adam's β₁): high where the rate is low."""

    momentum_constants: ClassVar[tuple[str, ...]] = ()  # the attributes that it depends on

    def _init_momenta(
        self,
        optimizer: Optimizer,
        cycle_momentum: bool,
        base_momentum: Scalar | list[Scalar],
        max_momentum: Scalar | list[Scalar],
    ) -> None:
        """Take the arguments over. Raises ValueError where there is no momentum to cycle."""
        if cycle_momentum and not optimizer.defaults.keys() & {"momentum", "betas"}:
            raise ValueError(
                "optimizer must support momentum or beta1 with `cycle_momentum` option enabled"
            )
        self.cycle_momentum = cycle_momentum
        self.base_momentums = per_group("base_momentum", base_momentum, optimizer)
        self.max_momentums = per_group("max_momentum", max_momentum, optimizer)

    @abstractmethod
    def next_momentum(self, high: float, low: float, *constants: float) -> float:
        """The momentum of epoch ``last_epoch``, between its ends."""

    def _set_lrs(self, rule: Callable[..., float]) -> None:
        super()._set_lrs(rule)
        if not self.cycle_momentum:
            return
        constants = [getattr(self, name) for name in self.momentum_constants]
        momenta = zip(self.max_momentums, self.base_momentums, strict=True)
        for group, (high, low) in zip(self.optimizer.param_groups, momenta, strict=True):
            set_momentum(group, per_replica(self.next_momentum, high, low, *constants))


def set_momentum(group: dict[str, Any], momentum: Scalar) -> None:
    """Give a parameter group this momentum, or β₁."""
    if "betas" in group:
        group["betas"] = (momentum, group["betas"][1])
    else:
        group["momentum"] = momentum
