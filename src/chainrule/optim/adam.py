"""Adam and its kin: running means of the gradient, m, and of its square, v.

In all of them t counts the steps from 1, c₁ = 1 − β₁ᵗ, c₂ = 1 − β₂ᵗ; λ is ``weight_decay`` and ε
``eps``; ``maximize`` climbs instead.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from typing import Any, ClassVar, final

import torch
from torch import Tensor

from chainrule.optim.inplace import (
    Scalar,
    add,
    add_scalar_,
    addcdiv_,
    addcmul_,
    is_nonzero,
    lerp_,
    mul_,
)
from chainrule.optim.optimizer import Optimizer, Params

__all__ = ["Adam", "AdamW", "NAdam", "RAdam"]


class AdamBase(Optimizer, ABC):
    """g ← g + λ p;   m ← β₁ m + (1 − β₁) g;   v ← β₂ v + (1 − β₂) g²

    With ``decoupled_weight_decay`` the first is p ← (1 − lr λ) p instead.
    """

    state_names: ClassVar[tuple[str, ...]] = ("exp_avg", "exp_avg_sq")

    def moments(self, p: Tensor, g: Tensor, state: dict[str, Tensor], h: Any) -> list[Tensor]:
        """[g, m, v] after the lines above."""
        beta1, beta2 = h.betas
        if is_nonzero(h.weight_decay) and h.decoupled_weight_decay:
            mul_(p, 1 - h.lr * h.weight_decay)
        elif is_nonzero(h.weight_decay):
            g = add(g, p, h.weight_decay)
        m = lerp_(state["exp_avg"], g, 1 - beta1)
        v = addcmul_(mul_(state["exp_avg_sq"], beta2), g, g, 1 - beta2)
        return [g, m, v]


class Adam(AdamBase):
    """p ← p − lr (m / c₁) / (√(v / c₂) + ε)

    ``amsgrad`` puts the largest v so far in the place of v. Computed as m · lr √c₂ / c₁ over
    √v + ε √c₂, which is the same and reads m and v once.

    Kingma & Ba, Adam: a method for stochastic optimization, 2015; amsgrad: Reddi, Kale & Kumar,
    On the convergence of Adam and beyond, 2018.
    """

    optional_names = ("max_exp_avg_sq",)

    def __init__(
        self,
        params: Params,
        lr: Scalar = 1e-3,
        betas: tuple[Scalar, Scalar] = (0.9, 0.999),
        eps: Scalar = 1e-8,
        weight_decay: Scalar = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
        replicas: int | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults, replicas)

    def update(self, p: Tensor, g: Tensor, state: dict[str, Tensor], h: Any) -> None:
        _, m, v = self.moments(p, g, state, h)
        if h.amsgrad:
            largest = state.setdefault("max_exp_avg_sq", torch.zeros_like(p))
            v = torch.maximum(largest, v, out=largest)
        beta1, beta2 = h.betas
        c1, root = 1 - beta1**h.step, (1 - beta2**h.step) ** 0.5
        addcdiv_(p, m, add_scalar_(v.sqrt(), h.eps * root), -h.lr * root / c1)


@final
class AdamW(Adam):
    """Adam with decoupled weight decay: p ← (1 − lr λ) p first, and g stays as it is.

    Loshchilov & Hutter, Decoupled weight decay regularization, 2019.
    """

    def __init__(
        self,
        params: Params,
        lr: Scalar = 1e-3,
        betas: tuple[Scalar, Scalar] = (0.9, 0.999),
        eps: Scalar = 1e-8,
        weight_decay: Scalar = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        replicas: int | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            maximize=maximize,
            decoupled_weight_decay=True,
            replicas=replicas,
        )


@final
class NAdam(AdamBase):
    """p ← p − lr [g (1 − μₜ) / (1 − Πₜ) + m μₜ₊₁ / (1 − Πₜ₊₁)] / (√(v / c₂) + ε)

    μₜ = β₁ (1 − ½ 0.96^(t ψ)), ψ: ``momentum_decay``, and Πₜ = μ₁ ⋯ μₜ, which is kept in torch's
    default dtype, as torch does.

    Dozat, Incorporating Nesterov momentum into Adam, 2016.
    """

    state_names = ("exp_avg", "exp_avg_sq", "mu_product")

    def __init__(
        self,
        params: Params,
        lr: Scalar = 2e-3,
        betas: tuple[Scalar, Scalar] = (0.9, 0.999),
        eps: Scalar = 1e-8,
        weight_decay: Scalar = 0,
        momentum_decay: Scalar = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
        replicas: int | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, replicas)

    def initial_state(self, p: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
        mu_product = torch.ones(len(p), 1, dtype=torch.get_default_dtype(), device=p.device)
        return {**super().initial_state(p, group), "mu_product": mu_product}

    def update(self, p: Tensor, g: Tensor, state: dict[str, Tensor], h: Any) -> None:
        g, m, v = self.moments(p, g, state, h)
        beta1, beta2 = h.betas
        mu, mu_next = (
            beta1 * (1 - 0.5 * 0.96 ** (t * h.momentum_decay)) for t in (h.step, h.step + 1)
        )
        product = mul_(state["mu_product"], mu).double()
        root = (1 - beta2**h.step) ** 0.5
        lr, denominator = h.lr * root, add_scalar_(v.sqrt(), h.eps * root)
        addcdiv_(p, g, denominator, -lr * (1 - mu) / (1 - product))
        addcdiv_(p, m, denominator, -lr * mu_next / (1 - product * mu_next))


@final
class RAdam(AdamBase):
    """p ← p − lr r (m / c₁) / ((√v + ε) / √c₂) where ρₜ > 5, else p ← p − lr m / c₁

    ρ = 2 / (1 − β₂) − 1,   ρₜ = ρ − 2 t β₂ᵗ / c₂,
    r = √((ρₜ − 4) (ρₜ − 2) ρ / ((ρ − 4) (ρ − 2) ρₜ))

    Liu et al., On the variance of the adaptive learning rate and beyond, 2020.
    """

    def __init__(
        self,
        params: Params,
        lr: Scalar = 1e-3,
        betas: tuple[Scalar, Scalar] = (0.9, 0.999),
        eps: Scalar = 1e-8,
        weight_decay: Scalar = 0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
        replicas: int | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, replicas)

    def update(self, p: Tensor, g: Tensor, state: dict[str, Tensor], h: Any) -> None:
        _, m, v = self.moments(p, g, state, h)
        lr = h.lr / (1 - h.betas[0] ** h.step)
        beta2 = torch.as_tensor(h.betas[1], dtype=torch.float64, device=p.device)
        c2 = 1 - beta2**h.step
        rho = 2 / (1 - beta2) - 1
        rho_t = rho - 2 * h.step * (1 - c2) / c2
        r = ((rho_t - 4) * (rho_t - 2) * rho / ((rho - 4) * (rho - 2) * rho_t)).sqrt()
        long = rho_t > 5
        denominator = torch.where(long, add_scalar_(v.sqrt(), h.eps), 1.0)
        addcdiv_(p, m, denominator, -lr * torch.where(long, r * c2.sqrt(), 1.0))
