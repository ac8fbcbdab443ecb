"""Softmax, Softmin and LogSoftmax: the elements of a slice as shares of one."""

from __future__ import annotations

from abc import ABC
from typing import final

from torch import Tensor

from chainrule.nn.errors import check_input
from chainrule.nn.layers.reshape import resolve_dim
from chainrule.nn.module import Module
from chainrule.nn.vjp import BackwardFn

__all__ = ["LogSoftmax", "Softmax", "Softmin"]


class SoftmaxBase(Module, ABC):
    """A normalization of each slice along one of torch's dimensions."""

    def __init__(self, dim: int | None = None) -> None:
        self.dim = dim

    @property
    def depends_on_batch(self) -> bool:
        return self.dim is None or self.dim < 1  # one from the end may be the samples'

    def choose_dim(self, axes: int) -> int:
        """``dim``, or torch's choice for so many dimensions."""
        return int(axes not in (0, 1, 3)) if self.dim is None else self.dim

    def _resolve_dim(self, x: Tensor) -> int:
        check_input(self, x)
        axes = x.dim() - self.num_replica_dims
        dim = self.choose_dim(axes)
        is_number = not x.dim() and dim in (-1, 0)
        return dim if is_number else resolve_dim(self, x, dim)


@final
class Softmax(SoftmaxBase):
    """y = eˣ / Σ eˣ along ``dim``        any shape

    dL/dx = y (g − Σ g y)

    ``dim`` counts torch's dimensions, without the replica axis; None takes 0 for 0, 1 or 3
    dimensions and 1 for others, as torch does. Raises LayerError where x has no such dimension.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        dim = self._resolve_dim(x)
        y = x.softmax(dim)
        return y, lambda g: y * (g - (g * y).sum(dim, keepdim=True))


@final
class Softmin(SoftmaxBase):
    """y = e⁻ˣ / Σ e⁻ˣ along ``dim``        any shape

    dL/dx = y (Σ g y − g)

    ``dim`` as for Softmax. Raises LayerError where x has no such dimension.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        dim = self._resolve_dim(x)
        y = (-x).softmax(dim)
        return y, lambda g: y * ((g * y).sum(dim, keepdim=True) - g)


@final
class LogSoftmax(SoftmaxBase):
    """y = x − log Σ eˣ along ``dim``        any shape

    dL/dx = g − eʸ Σ g

    ``dim`` as for Softmax. Raises LayerError where x has no such dimension.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        dim = self._resolve_dim(x)
        y = x.log_softmax(dim)
        return y, lambda g: g - y.exp() * g.sum(dim, keepdim=True)
