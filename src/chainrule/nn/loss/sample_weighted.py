"""SampleWeightedLoss: a loss in which some samples count more than others."""

from __future__ import annotations

import copy
from typing import Any, final

from torch import Tensor

from chainrule.nn.errors import LayerError
from chainrule.nn.loss.base import Loss, ReducedLoss
from chainrule.nn.loss.one_hot import OneHotLoss
from chainrule.nn.loss.wrapper import LossWrapper
from chainrule.nn.vjp import BackwardFn

__all__ = ["SampleWeightedLoss"]


@final
class SampleWeightedLoss(LossWrapper):
    """L = Σ w ℓ / Σ w        o (N, …), target {"target": t (N, …), "weight": w (N,)}

    ℓ is the loss of a sample, the mean over its elements where it has several, as ``loss`` has it
    without its reduction; w ≥ 0. A sample with w = 2 counts as two, one with w = 0 not at all, and
    a batch whose weights are all 0 has the loss 0. dL/dℓ = g w / Σ w. Raises TypeError for a loss
    that has no losses of samples.
    """

    def __init__(self, loss: Loss) -> None:
        super().__init__(loss)
        self.loss = drop_reduction(loss)

    def forward(self, output: Tensor, target: Any) -> tuple[Tensor, BackwardFn]:
        weight = self._weight(target)
        try:
            losses, rule = self.loss.forward(output, target["target"])
        except LayerError as error:
            raise error.with_path("SampleWeightedLoss") from None
        axes = (1,) * (losses.dim() - weight.dim())
        share = weight.to(losses) / self._total(weight.to(losses)).unsqueeze(-1)
        elements = losses.numel() // max(1, losses.shape[: weight.dim()].numel())
        share = share.reshape(share.shape + axes) / elements
        value = (losses * share).flatten(self.num_replica_dims).sum(-1)
        return value, lambda g: rule((g.reshape(*g.shape, 1, *axes) * share).expand_as(losses))

    def batch_weight(self, output: Any, target: Any) -> Tensor | float | None:
        """Σ w of its samples."""
        return self._weight(target).double().sum(-1)

    @property
    def decision_threshold(self) -> float | None:
        """That of ``loss``."""
        return self.loss.decision_threshold

    def _weight(self, target: Any) -> Tensor:
        """w (N,), or (K or 1, N). Raises LayerError where there is none."""
        if not isinstance(target, dict) or {*target} != {"target", "weight"}:
            raise LayerError(self, 'expected a target {"target": t, "weight": w}')
        weight: Tensor = target["weight"]
        if weight.dim() != 1 + self.num_replica_dims:
            raise LayerError(self, f"expected one weight a sample, got {tuple(weight.shape)}")
        return weight

    def _total(self, weight: Tensor) -> Tensor:
        """Σ w, 1 where that is 0."""
        total = weight.sum(-1)
        return total.masked_fill(total == 0, 1)


def drop_reduction(loss: Loss) -> Loss:
    """The same loss, not reduced. Raises TypeError for one that cannot be."""
    plain = copy.copy(loss)
    if isinstance(plain, OneHotLoss):
        plain.loss = drop_reduction(plain.loss)
    elif isinstance(plain, ReducedLoss) and "none" in plain.reductions:
        plain.reduction = "none"
    else:
        raise TypeError(
            f"{loss.label()} has no loss of a single sample, so that none can weigh more"
        )
    return plain
