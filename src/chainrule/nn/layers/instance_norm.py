"""Normalizations of each channel of each sample: InstanceNorm1d, InstanceNorm2d.

y = w x̂ + b with x̂ = (x − μ) / √(σ² + ε), one μ and σ² for each sample and channel. N samples, C
channels; … is the replica axis K, or nothing in a plain net.
"""

from __future__ import annotations

from abc import ABC
from math import prod
from typing import Any, ClassVar, final

import torch
from torch import Tensor

from chainrule._util.kinds import check_whole
from chainrule.nn.errors import AXES, check_input
from chainrule.nn.layers.normalization import TrackingNorm, normalize
from chainrule.nn.vjp import BackwardFn

__all__ = ["InstanceNorm1d", "InstanceNorm2d"]


class InstanceNorm(TrackingNorm, ABC):
    """x̂ over the last axes, for each sample and channel        Ulyanov et al., 2016

    dL/dx: that of normalize. w, b (…, C), with ``affine``

    With ``track_running_stats`` a training forward moves the running mean and (unbiased) variance
    of each channel, r ← (1 − m) r + m · (mean over the samples), with m = ``momentum``, 0 where
    that is None as in torch; evaluation takes these in the place of μ and σ², and dL/dx is g s w.
    Raises ValueError unless ε > 0; LayerError for other shapes, another dtype or device, and for
    one value a channel, which has no variance.
    """

    axes: ClassVar[int]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        bias: bool = True,
    ) -> None:
        check_whole(num_features=num_features)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self._init_tracking(affine, bias, device=device, dtype=dtype)

    @property
    def depends_on_batch(self) -> bool:
        return self.track_running_stats

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        fixed = self.track_running_stats and not self.training
        self._check_size(x, least=1 if fixed else 2)
        lone = x.dim() == self.num_replica_dims + 1 + self.axes
        shape = [*[1] * (not lone), self.num_features, *[1] * self.axes]
        if fixed and self.running_mean and self.running_var:
            lead = x.shape[:0] if self.replicas is None else torch.Size([self.replicas])
            mean, var = (
                t.data.reshape(*lead, *shape) for t in (self.running_mean, self.running_var)
            )
            s = (var + self.eps).rsqrt()
            return self._affine((x - mean) * s, lambda g: g * s, shape)
        x_hat = normalize(x, list(range(-self.axes, 0)), self.eps)
        self._update_running_stats(x_hat.mean, x_hat.var, prod(x.shape[-self.axes :]))
        return self._affine(x_hat.x, x_hat.rule, shape)

    def _update_running_stats(self, mean: Tensor, var: Tensor, count: int) -> None:
        if not (self.running_mean and self.running_var) or not mean.numel():
            return
        m = self.momentum or 0.0
        unbiased = var * (count / (count - 1))
        for running, batch in ((self.running_mean, mean), (self.running_var, unbiased)):
            channels = batch.flatten(-self.axes - 1)  # (…, N, C), or (…, C) of a lone sample
            if channels.dim() > self.num_replica_dims + 1:
                channels = channels.mean(-2)
            running.data.mul_(1 - m).add_(m * channels)

    def _check_size(self, x: Tensor, least: int) -> None:
        C, names = self.num_features, ", ".join(AXES[self.axes])
        many = "" if least < 2 else " with more than one value a channel"

        def fits(x: Tensor) -> bool:
            return (
                x.dim() - self.num_replica_dims - self.axes in (1, 2)
                and x.shape[-self.axes - 1] == C
                and prod(x.shape[-self.axes :]) >= least
            )

        like = self._reference() if self.running_mean is None else self.running_mean.data
        expected = f"input (N, {C}, {names}) or ({C}, {names}){many}"
        check_input(self, x, expected, fits, like=like)


@final
class InstanceNorm1d(InstanceNorm):
    """y = w x̂ + b, x̂ over L for each sample and channel        x (…, N, C, L) or (…, C, L)

    Gradient, running statistics and errors: InstanceNorm, with one axis.
    """

    axes = 1


@final
class InstanceNorm2d(InstanceNorm):
    """y = w x̂ + b, x̂ over H, W for each sample and channel        x (…, N, C, H, W), (…, C, H, W)

    Gradient, running statistics and errors: InstanceNorm, with two axes.
    """

    axes = 2
