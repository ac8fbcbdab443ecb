"""TargetLoss: a loss of one of several targets."""

from __future__ import annotations

from typing import Any, final

from torch import Tensor

from chainrule._util.suggest import did_you_mean
from chainrule.nn.errors import LayerError
from chainrule.nn.loss.base import Loss, LossTerm
from chainrule.nn.loss.wrapper import LossWrapper
from chainrule.nn.vjp import BackwardFn

__all__ = ["TargetLoss"]


@final
class TargetLoss(LossWrapper):
    """L = ``loss``(o, t[``target``])        t a dict of targets, of which the net learns one

    The others are for metrics, or for nets that learn those. The gradient is that of ``loss``.
    Raises LayerError where there is no target of this name.
    """

    def __init__(self, loss: Loss, target: str) -> None:
        super().__init__(loss)
        self.target = target

    def forward(self, output: Tensor, target: Any) -> tuple[Tensor, BackwardFn]:
        return self.loss.forward(output, self._choose_target(target))

    def split_terms(self, output: Tensor, target: Any, value: Tensor) -> list[LossTerm]:
        """Those of ``loss``."""
        return self.loss.split_terms(output, self._choose_target(target), value)

    @property
    def reduction(self) -> str:
        """That of ``loss``."""
        return str(getattr(self.loss, "reduction", "mean"))

    @property
    def decision_threshold(self) -> float | None:
        """That of ``loss``."""
        return self.loss.decision_threshold

    def _choose_target(self, targets: Any) -> Tensor:
        if isinstance(targets, Tensor):
            raise LayerError(
                self, f"expected several targets, one of them {self.target!r}, got a tensor"
            )
        if self.target not in targets:
            hint = did_you_mean(self.target, targets)
            raise LayerError(
                self, f"no target {self.target!r}; {hint}there are {', '.join(targets)}"
            )
        found: Tensor = targets[self.target]
        return found
