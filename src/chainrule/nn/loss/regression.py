"""Losses of numbers: MSELoss, L1Loss, SmoothL1Loss, HuberLoss, PoissonNLLLoss, GaussianNLLLoss.

o is the output, t the target, d = o − t; ℓ is the loss of one element, g = dL/dℓ.
"""

from __future__ import annotations

from math import log, nan, pi
from typing import Any, final

import torch
from torch import Tensor

from chainrule._util.kinds import check_not_negative
from chainrule.nn.errors import LayerError, check_input, describe_shape
from chainrule.nn.loss.base import ElementwiseLoss, ReducedLoss
from chainrule.nn.vjp import BackwardFn

__all__ = ["GaussianNLLLoss", "HuberLoss", "L1Loss", "MSELoss", "PoissonNLLLoss", "SmoothL1Loss"]


@final
class MSELoss(ElementwiseLoss):
    """ℓ = d²        o, t any shape; d = o − t

    dℓ/do = 2 d
    """

    def losses(self, o: Tensor, t: Tensor) -> tuple[Tensor, BackwardFn]:
        d = o - t
        return d * d, lambda g: 2 * g * d


@final
class L1Loss(ElementwiseLoss):
    """ℓ = |d|        o, t any shape; d = o − t

    dℓ/do = sign d, 0 at 0
    """

    def losses(self, o: Tensor, t: Tensor) -> tuple[Tensor, BackwardFn]:
        d = o - t
        return d.abs(), lambda g: g * sign(d)


@final
class SmoothL1Loss(ElementwiseLoss):
    """ℓ = d² / 2β where |d| < β, else |d| − β / 2        o, t any shape; d = o − t

    dℓ/do = s, d / β limited to ±1; so ℓ = s (d − β s / 2).        Girshick, 2015

    With ``beta`` 0 it is L1Loss. Raises ValueError for a negative one.
    """

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        if not beta >= 0:
            raise ValueError(f"beta must not be negative, got {beta}")
        self.beta = beta

    def losses(self, o: Tensor, t: Tensor) -> tuple[Tensor, BackwardFn]:
        d, beta = o - t, self.beta
        s = (d / beta).clamp(-1, 1) if beta else sign(d)
        return s * (d - beta / 2 * s), lambda g: g * s


@final
class HuberLoss(ElementwiseLoss):
    """ℓ = d² / 2 where |d| ≤ δ, else δ (|d| − δ / 2)        o, t any shape; d = o − t

    dℓ/do = c, d limited to ±δ; so ℓ = c (d − c / 2).        Huber, 1964

    Raises ValueError unless ``delta`` is positive.
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        if not delta > 0:
            raise ValueError(f"delta must be positive, got {delta}")
        self.delta = delta

    def losses(self, o: Tensor, t: Tensor) -> tuple[Tensor, BackwardFn]:
        d = o - t
        c = d.clamp(-self.delta, self.delta)
        return c * (d - c / 2), lambda g: g * c


def sign(d: Tensor) -> Tensor:
    """−1, 0 or 1, and nan of nan (where ``Tensor.sign`` says 0)."""
    return d.sign().masked_fill_(d != d, nan)


@final
class PoissonNLLLoss(ElementwiseLoss):
    """ℓ = eᵒ − t o, or without ``log_input`` o − t log(o + ε)        o, t any shape, t counts ≥ 0

    dℓ/do = eᵒ − t, or 1 − t / (o + ε)

    o is the logarithm of the rate, or the rate itself. ``full`` adds Stirling's log t! ≈
    t log t − t + ½ log 2πt where t > 1.
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        *,
        eps: float = 1e-8,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        check_not_negative(eps=eps)
        self.log_input, self.full, self.eps = log_input, full, eps

    def losses(self, o: Tensor, t: Tensor) -> tuple[Tensor, BackwardFn]:
        if self.log_input:
            rate = o.exp()
            losses, slope = rate - t * o, rate - t
        else:
            losses, slope = o - t * (o + self.eps).log(), 1 - t / (o + self.eps)
        if self.full:
            many = t.clamp(min=1)  # where t is 0 its logarithm would be nan times 0
            stirling = many * many.log() - many + 0.5 * (2 * pi * many).log()
            losses = losses + stirling.masked_fill(t <= 1, 0)
        return losses, lambda g: g * slope


@final
class GaussianNLLLoss(ReducedLoss):
    """ℓ = ½ (log v + d² / v)        mean, t any shape; v = max(var, ε); d = mean − t

    dℓ/dmean = d / v,   dℓ/dvar = ½ (1 / v − d² / v²)        Nix and Weigend, 1994

    The output is the pair (mean, var), or a dict of the two as :class:`Heads` give it, and so is
    its gradient; torch's ``loss(mean, t, var)`` does the same. var has the shape of mean; or one
    axis of length 1, or no last axis, where it is the same for all: then its gradient is summed;
    or is one number. ``full`` adds ½ log 2π.
    The limit ε does not stop the gradient, as in torch. Raises LayerError for another shape and
    (on the CPU) for a negative var, ValueError unless ``eps`` is positive.
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction)
        if not eps > 0:
            raise ValueError(f"eps must be positive, got {eps}")
        self.full, self.eps = full, eps

    def __call__(self, output: Any, target: Tensor, var: Tensor | float | None = None) -> Tensor:
        """Return the value for (mean, var), or for mean and var apart."""
        return super().__call__(output if var is None else (output, var), target)

    def forward(self, output: Any, target: Tensor) -> tuple[Tensor, BackwardFn]:
        mean, var = self._split_output(output)
        self._check_target(target, mean.shape[self.num_replica_dims :], like=mean)
        v = self._expand_var(var, mean).clamp(min=self.eps)
        d = mean - target
        z = d / v
        losses = 0.5 * (v.log() + d * z)
        if self.full:
            losses = losses + 0.5 * log(2 * pi)

        def rule(g: Tensor) -> Any:
            dvar = 0.5 * g * (1 / v - z * z)
            dvar = dvar.sum_to_size(v.shape).reshape(var.shape)
            return {"mean": g * z, "var": dvar} if isinstance(output, dict) else (g * z, dvar)

        return self._reduce(losses, rule)

    def _split_output(self, output: Any) -> tuple[Tensor, Tensor]:
        if isinstance(output, dict) and output.keys() == {"mean", "var"}:
            output = output["mean"], output["var"]
        if not (isinstance(output, tuple | list) and len(output) == 2):
            raise LayerError(self, f"expected a pair (mean, var), got {describe_shape(output)}")
        mean, var = output
        self._check_output(mean)
        if isinstance(var, int | float):
            var = torch.full_like(mean, var)
        check_input(self, var, like=mean)
        if var.device.type == "cpu" and (var < 0).any():  # elsewhere a look costs a wait
            raise LayerError(self, f"expected var of 0 or more, got {var[var < 0][0].item()}")
        return mean, var

    def _expand_var(self, var: Tensor, mean: Tensor) -> Tensor:
        """var with as many axes as mean."""
        if var.shape == mean.shape:
            return var
        if var.dim() >= self.num_replica_dims and var.shape == mean.shape[:-1]:
            return var.unsqueeze(-1)
        shared = [b for a, b in zip(mean.shape, var.shape, strict=False) if a != b]
        per_replica = var.shape[: self.num_replica_dims] == mean.shape[: self.num_replica_dims]
        if var.dim() != mean.dim() or shared != [1] or not per_replica:
            shape = describe_shape(mean)
            raise LayerError(
                self, f"expected var {shape}, or one axis of length 1, got {describe_shape(var)}"
            )
        return var.expand_as(var)
