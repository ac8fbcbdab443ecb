"""Learning rates that adapt to each parameter's squared gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import torch
from torch import Tensor

from chainrule.optim.hyperparameters import as_column, check_number
from chainrule.optim.inplace import (
    Scalar,
    add,
    add_,
    add_scalar_,
    addcdiv_,
    addcmul_,
    is_nonzero,
    lerp_,
    mul_,
)
from chainrule.optim.optimizer import Optimizer, Params

__all__ = ["Adadelta", "Adagrad", "Adamax", "RMSprop", "Rprop"]


@final
class Adagrad(Optimizer):
    """g ← g + λ p;   s ← s + g²;   p ← p − lr / (1 + (t − 1) η) · g / (√s + ε)

    t counts the steps from 1, η: ``lr_decay``, λ: ``weight_decay``, ε: ``eps``; s starts at
    ``initial_accumulator_value``; ``maximize`` climbs instead.

    Duchi, Hazan & Singer, Adaptive subgradient methods for online learning, 2011.
    """

    state_names = ("sum",)

    def __init__(
        self,
        params: Params,
        lr: Scalar = 1e-2,
        lr_decay: Scalar = 0,
        weight_decay: Scalar = 0,
        initial_accumulator_value: Scalar = 0,
        eps: Scalar = 1e-10,
        *,
        maximize: bool = False,
        replicas: int | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "eps": eps,
            "maximize": maximize,
        }
        super().__init__(params, defaults, replicas)

    def initial_state(self, p: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
        name = "initial_accumulator_value"
        return {"sum": add_scalar_(torch.zeros_like(p), as_column(name, group[name], p))}

    def update(self, p: Tensor, g: Tensor, state: dict[str, Tensor], h: Any) -> None:
        if is_nonzero(h.weight_decay):
            g = add(g, p, h.weight_decay)
        s = state["sum"].addcmul_(g, g)
        lr = h.lr / (1 + (h.step - 1) * h.lr_decay)
        addcdiv_(p, g, add_scalar_(s.sqrt(), h.eps), -lr)


@final
class RMSprop(Optimizer):
    """g ← g + λ p;   v ← α v + (1 − α) g²;   b ← μ b + g / (√v + ε);   p ← p − lr b

    With ``centered``, v is reduced under the root by the square of the running mean of g. Without
    momentum μ, b is g / (√v + ε). λ: ``weight_decay``, ε: ``eps``; ``maximize`` climbs instead.

    Tieleman & Hinton, Lecture 6.5: rmsprop, 2012; centered: Graves, Generating sequences with
    recurrent neural networks, 2013.
    """

    state_names = ("square_avg",)
    optional_names = ("grad_avg", "momentum_buffer")

    def __init__(
        self,
        params: Params,
        lr: Scalar = 1e-2,
        alpha: Scalar = 0.99,
        eps: Scalar = 1e-8,
        weight_decay: Scalar = 0,
        momentum: Scalar = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
        replicas: int | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "alpha": alpha,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "centered": centered,
            "maximize": maximize,
        }
        super().__init__(params, defaults, replicas)

    def update(self, p: Tensor, g: Tensor, state: dict[str, Tensor], h: Any) -> None:
        if is_nonzero(h.weight_decay):
            g = add(g, p, h.weight_decay)
        v = addcmul_(mul_(state["square_avg"], h.alpha), g, g, 1 - h.alpha)
        if h.centered:
            mean = lerp_(state.setdefault("grad_avg", torch.zeros_like(p)), g, 1 - h.alpha)
            root = v.addcmul(mean, mean, value=-1).sqrt_()
        else:
            root = v.sqrt()
        add_scalar_(root, h.eps)
        if is_nonzero(h.momentum):
            b = state.setdefault("momentum_buffer", torch.zeros_like(p))
            add_(p, mul_(b, h.momentum).addcdiv_(g, root), -h.lr)
        else:
            addcdiv_(p, g, root, -h.lr)


@final
class Adadelta(Optimizer):
    """g ← g + λ p;   v ← ρ v + (1 − ρ) g²;   δ = g √(u + ε) / √(v + ε);   u ← ρ u + (1 − ρ) δ²

    p ← p − lr δ. λ: ``weight_decay``, ε: ``eps``; ``maximize`` climbs instead.

    Zeiler, ADADELTA: an adaptive learning rate method, 2012.
    """

    state_names = ("square_avg", "acc_delta")

    def __init__(
        self,
        params: Params,
        lr: Scalar = 1.0,
        rho: Scalar = 0.9,
        eps: Scalar = 1e-6,
        weight_decay: Scalar = 0,
        *,
        maximize: bool = False,
        replicas: int | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, replicas)

    def update(self, p: Tensor, g: Tensor, state: dict[str, Tensor], h: Any) -> None:
        v, u = state["square_avg"], state["acc_delta"]
        if is_nonzero(h.weight_decay):
            g = add(g, p, h.weight_decay)
        addcmul_(mul_(v, h.rho), g, g, 1 - h.rho)
        root = add_scalar_(v.clone(), h.eps).sqrt_()
        delta = add_scalar_(u.clone(), h.eps).sqrt_().div_(root).mul_(g)
        addcmul_(mul_(u, h.rho), delta, delta, 1 - h.rho)
        add_(p, delta, -h.lr)


@final
class Adamax(Optimizer):
    """g ← g + λ p;   m ← β₁ m + (1 − β₁) g;   u ← max(β₂ u, |g| + ε);   p ← p − lr m / (c₁ u)

    c₁ = 1 − β₁ᵗ, t counts the steps from 1. Adam with the largest of the recent gradients in the
    place of their squares' mean. λ: ``weight_decay``, ε: ``eps``; ``maximize`` climbs instead.

    Kingma & Ba, Adam: a method for stochastic optimization, 2015.
    """

    state_names = ("exp_avg", "exp_inf")

    def __init__(
        self,
        params: Params,
        lr: Scalar = 2e-3,
        betas: tuple[Scalar, Scalar] = (0.9, 0.999),
        eps: Scalar = 1e-8,
        weight_decay: Scalar = 0,
        *,
        maximize: bool = False,
        replicas: int | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, replicas)

    def update(self, p: Tensor, g: Tensor, state: dict[str, Tensor], h: Any) -> None:
        beta1, beta2 = h.betas
        if is_nonzero(h.weight_decay):
            g = add(g, p, h.weight_decay)
        m = lerp_(state["exp_avg"], g, 1 - beta1)
        u = mul_(state["exp_inf"], beta2)
        torch.maximum(u, add_scalar_(g.abs(), h.eps), out=u)
        addcdiv_(p, m, u, -h.lr / (1 - beta1**h.step))


@final
class Rprop(Optimizer):
    """Δ ← η₊ Δ where g g′ > 0, η₋ Δ where g g′ < 0, within ``step_sizes``;   p ← p − sign(g) Δ

    Where g g′ < 0 the entry stays for this step, and the next counts as its first. g′ is the last
    step's gradient, (η₋, η₊) are the ``etas``; Δ starts at lr. It is for gradients of all the data:
    those of small batches change their sign by chance. ``maximize`` climbs instead.

    Riedmiller & Braun, A direct adaptive method for faster backpropagation learning, 1993. Raises
    ValueError unless 0 < η₋ < 1 < η₊.
    """

    state_names = ("prev", "step_size")

    def __init__(
        self,
        params: Params,
        lr: Scalar = 1e-2,
        etas: tuple[Scalar, Scalar] = (0.5, 1.2),
        step_sizes: tuple[Scalar, Scalar] = (1e-6, 50.0),
        *,
        maximize: bool = False,
        replicas: int | None = None,
    ) -> None:
        defaults = {"lr": lr, "etas": etas, "step_sizes": step_sizes, "maximize": maximize}
        super().__init__(params, defaults, replicas)

    def validate(self, group: Mapping[str, Any]) -> None:
        super().validate(group)
        for name in ("etas", "step_sizes"):
            pair = group[name]
            if not (isinstance(pair, tuple | list) and len(pair) == 2):
                raise ValueError(f"{name}: expected a pair, got {pair!r}")
            for i, number in enumerate(pair):
                check_number(f"{name}[{i}]", number, self.replicas)
        low, high = map(torch.as_tensor, group["etas"])
        if not ((low > 0) & (low < 1) & (high > 1)).all():
            raise ValueError(f"etas: expected 0 < etas[0] < 1 < etas[1], got {group['etas']}")

    def initial_state(self, p: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
        size = add_scalar_(torch.zeros_like(p), as_column("lr", group["lr"], p))
        return {"prev": torch.zeros_like(p), "step_size": size}

    def update(self, p: Tensor, g: Tensor, state: dict[str, Tensor], h: Any) -> None:
        (shrink, grow), (least, most) = h.etas, h.step_sizes
        agree, size = g * state["prev"], state["step_size"]
        longer, shorter = mul_(size.clone(), grow), mul_(size.clone(), shrink)
        torch.where(agree > 0, longer, size, out=size)
        torch.where(agree < 0, shorter, size, out=size)
        size.clamp_(*(torch.as_tensor(bound, dtype=torch.float64).to(p) for bound in (least, most)))
        g = g.masked_fill(agree < 0, 0)
        state["prev"].copy_(g)
        p.addcmul_(g.sign(), size, value=-1)
