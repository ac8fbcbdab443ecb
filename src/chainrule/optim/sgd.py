"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import torch
from torch import Tensor

from chainrule.optim.inplace import Scalar, add, add_, is_nonzero, mul_
from chainrule.optim.optimizer import Optimizer, Params

__all__ = ["SGD"]


@final
class SGD(Optimizer):
    """g ← g + λ p;   b ← μ b + (1 − τ) g, at first b = g;   p ← p − lr b

    With ``nesterov`` the last step is p ← p − lr (g + μ b). lr: learning rate, μ: ``momentum``,
    τ: ``dampening``, λ: ``weight_decay``; ``maximize`` climbs instead.

    Robbins & Monro, A stochastic approximation method, 1951; Sutskever et al., On the importance
    of initialization and momentum in deep learning, 2013.
    """

    optional_names = ("momentum_buffer",)

    def __init__(
        self,
        params: Params,
        lr: Scalar = 1e-3,
        momentum: Scalar = 0,
        dampening: Scalar = 0,
        weight_decay: Scalar = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        replicas: int | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, defaults, replicas)

    def validate(self, group: Mapping[str, Any]) -> None:
        super().validate(group)
        momentum, dampening = torch.as_tensor(group["momentum"]), group["dampening"]
        if group["nesterov"] and ((momentum <= 0).any() or torch.as_tensor(dampening).any()):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")

    def update(self, p: Tensor, g: Tensor, state: dict[str, Tensor], h: Any) -> None:
        if is_nonzero(h.weight_decay):
            g = add(g, p, h.weight_decay)
        if is_nonzero(h.momentum):
            b = self._buffer(g, state, h)
            g = add(g, b, h.momentum) if h.nesterov else b
        add_(p, g, -h.lr)

    def _buffer(self, g: Tensor, state: dict[str, Tensor], h: Any) -> Tensor:
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = g.clone()
            return state["momentum_buffer"]
        share = 1 - h.dampening
        if isinstance(h.momentum, Tensor):  # a replica without momentum knows no dampening
            share = torch.where(h.momentum == 0, torch.ones_like(h.momentum), share)
        return add_(mul_(state["momentum_buffer"], h.momentum), g, share)
