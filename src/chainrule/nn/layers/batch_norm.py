"""Normalizations over the batch: BatchNorm1d, BatchNorm2d.

y = w x̂ + b with x̂ = (x − μ) / √(σ² + ε), one μ and σ² for each channel. N samples, C channels; … is
the replica axis K, or nothing in a plain net.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any, final

import torch
from torch import Tensor

from chainrule._util.kinds import check_whole
from chainrule.nn.errors import check_input
from chainrule.nn.layers.normalization import TrackingNorm
from chainrule.nn.vjp import BackwardFn

__all__ = ["BatchNorm1d", "BatchNorm2d"]


class BatchNorm(TrackingNorm, ABC):
    """x̂ over the batch: one μ and σ² for each channel        Ioffe and Szegedy, 2015

    In training, μ and σ² are the batch's; each use, in order, moves the running statistics once:
    r ← (1 − m) r + m r_batch, with the unbiased variance and m = ``momentum``, or 1 / (number of
    batches so far) where that is None. So a layer in a shared branch learns from each of its
    inputs. In evaluation, μ and σ² are the running ones; without ``track_running_stats`` they stay
    the batch's. With s = 1 / √(σ² + ε):

    dL/dx = s w (g − mean(g) − x̂ mean(g x̂)), in evaluation s w g;  dL/dw += Σ g x̂;  dL/db += Σ g

    Raises ValueError unless ε > 0.
    """

    expected: str
    dims: tuple[int, ...]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        bias: bool = True,
    ) -> None:
        check_whole(num_features=num_features)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self._init_tracking(affine, bias, device=device, dtype=dtype)

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        like = self._reference() if self.running_mean is None else self.running_mean.data
        check_input(self, x, self.expected.format(self.num_features), self._fits, like=like)
        shape = [1, self.num_features, *[1] * (x.dim() - self.num_replica_dims - 2)]
        if self.running_mean is not None and self.running_var is not None and not self.training:
            return self._forward_eval(x, self.running_mean.data, self.running_var.data, shape)
        dims = [
            axis
            for axis in range(self.num_replica_dims, x.dim())
            if axis != self.num_replica_dims + 1
        ]
        count = prod(x.shape[axis] for axis in dims)
        check_input(
            self, x, "more than one value for each channel in training", lambda _: count != 1
        )
        w, b = self._scale_and_shift(x, shape)
        n = max(1, count)
        mean = x.sum(dims, keepdim=True) / n
        rest = (x - mean).sum(dims, keepdim=True) / n  # what rounding left, where x is far from 0
        centered = x - mean - rest
        var = centered.square().sum(dims, keepdim=True) / n
        s = (var + self.eps).rsqrt()
        normalized = s * centered
        self._update_running_stats(mean + rest, var, count)

        def backward(g: Tensor) -> Tensor:
            dw, db = (t.sum(dims, keepdim=True) for t in (g * normalized, g))
            self._add_param_grads(dw, db)
            return s * w * (g - (db + normalized * dw) / n)

        return torch.addcmul(b, w, normalized), backward

    def _forward_eval(
        self, x: Tensor, mean: Tensor, var: Tensor, shape: Sequence[int]
    ) -> tuple[Tensor, BackwardFn]:
        mean, var = (t.reshape(*t.shape[: self.num_replica_dims], *shape) for t in (mean, var))
        w, b = self._scale_and_shift(x, shape)
        s = (var + self.eps).rsqrt()

        def backward(g: Tensor) -> Tensor:
            self._add_param_grads(
                (g * (x - mean) * s).sum_to_size(mean.shape), g.sum_to_size(mean.shape)
            )
            return g * (s * w)

        return torch.addcmul(b - s * w * mean, x, s * w), backward

    def _scale_and_shift(self, x: Tensor, shape: Sequence[int]) -> Iterator[Tensor]:
        """w and b as they are seen from x; 1 and 0 where there are none."""
        for value, constant in ((self.weight, 1.0), (self.bias, 0.0)):
            if value is None:
                yield x.new_full([1] * self.num_replica_dims + [*shape], constant)
            else:
                yield value.data.reshape(*value.data.shape[: self.num_replica_dims], *shape)

    def _add_param_grads(self, dw: Tensor, db: Tensor) -> None:
        for value, gradient in ((self.weight, dw), (self.bias, db)):
            if value is not None:
                value.grad += gradient.reshape(value.grad.shape)

    @property
    def depends_on_batch(self) -> bool:
        return True

    def _update_running_stats(self, mean: Tensor, var: Tensor, count: int) -> None:
        """Move the running statistics towards a batch's; an empty batch moves nothing."""
        if not (self.running_mean and self.running_var and self.num_batches_tracked):
            return
        self.num_batches_tracked.data += 1
        if not count:
            return
        m: Any = self.momentum
        if m is None:
            m = 1 / self.num_batches_tracked.data.unsqueeze(-1).to(mean.dtype)
        unbiased = var * (count / (count - 1))
        for running, batch in ((self.running_mean, mean), (self.running_var, unbiased)):
            batch = batch.reshape(*batch.shape[: self.num_replica_dims], -1)
            running.data.mul_(1 - m).add_(m * batch)

    def _fits(self, x: Tensor) -> bool:
        channel = self.num_replica_dims + 1
        return (
            x.dim() - self.num_replica_dims in self.dims and x.shape[channel] == self.num_features
        )


@final
class BatchNorm1d(BatchNorm):
    """y = w x̂ + b, x̂ over N (and L) for each channel        x (…, N, C) or (…, N, C, L)

    Formulas and running statistics: BatchNorm. Raises LayerError for other shapes, another dtype
    or device, and in training for one value a channel: it has no variance.
    """

    expected = "input (N, {0}) or (N, {0}, L)"
    dims = (2, 3)


@final
class BatchNorm2d(BatchNorm):
    """y = w x̂ + b, x̂ over N, H and W for each channel        x (…, N, C, H, W)

    Formulas and running statistics: BatchNorm. Raises LayerError for other shapes, another dtype
    or device, and in training for one value a channel: it has no variance.
    """

    expected = "input (N, {0}, H, W)"
    dims = (4,)
