"""Gradient descent whose parameters are averaged beside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import torch
from torch import Tensor

from chainrule.optim.hyperparameters import as_column
from chainrule.optim.inplace import Scalar, add, add_, is_nonzero, lerp_, mul_
from chainrule.optim.optimizer import Optimizer, Params

__all__ = ["ASGD"]


@final
class ASGD(Optimizer):
    """g ← g + λ p;   p ← (1 − l η) p − η g;   a ← a + μ (p − a)

    η = lr / (1 + l lr (t − 1))^α and μ = 1 / max(1, t − 1 − t₀) of step t, from 1; l: ``lambd``, α:
    ``alpha``, t₀: ``t0``, λ: ``weight_decay``; ``maximize`` climbs instead. The average a is kept
    in the state, as ``ax``; the net has p.

    Polyak & Juditsky, Acceleration of stochastic approximation by averaging, 1992.
    """

    state_names = ("ax",)

    def __init__(
        self,
        params: Params,
        lr: Scalar = 0.01,
        lambd: Scalar = 0.0001,
        alpha: Scalar = 0.75,
        t0: Scalar = 1000000.0,
        weight_decay: Scalar = 0,
        *,
        maximize: bool = False,
        replicas: int | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, replicas)

    def initial_state(self, p: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
        as_column("t0", group["t0"], p)
        return {"ax": torch.zeros_like(p)}

    def update(self, p: Tensor, g: Tensor, state: dict[str, Tensor], h: Any) -> None:
        if is_nonzero(h.weight_decay):
            g = add(g, p, h.weight_decay)
        past = h.step - 1
        eta = h.lr / (1 + h.lambd * h.lr * past) ** h.alpha
        add_(mul_(p, 1 - h.lambd * eta), g, -eta)
        since = torch.as_tensor(past - h.t0, dtype=torch.float64)
        lerp_(state["ax"], p, 1 / since.clamp(min=1).to(p.device))
