"""Embedding: a vector for each of a number of things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Generator, Tensor

from chainrule._util.argument_checks import check_arguments
from chainrule._util.kinds import check_whole
from chainrule._util.words import count_noun
from chainrule.nn.errors import LayerError, check_input
from chainrule.nn.init import Initializer, Normal
from chainrule.nn.layers.linear import WeightedLayer
from chainrule.nn.vjp import BackwardFn

__all__ = ["Embedding"]


@final
@check_arguments
@dataclass(frozen=True)
class ZeroRow(Initializer):
    """Like another initialization, but one row is 0."""

    init: Initializer
    row: int

    def __call__(self, shape: tuple[int, ...], generator: Generator | None = None) -> Tensor:
        drawn = self.init(shape, generator)
        drawn[self.row] = 0
        return drawn


@final
class Embedding(WeightedLayer):
    """y = the row of W that x names        x (…, any), whole numbers   W (…, V, D)   y (…, any, D)

    dL/dW: each row's += Σ g where x names it. There is no dL/dx: x is of whole numbers, the rule
    returns None.

    The row ``padding_idx`` starts at 0 and gets no gradient. With ``scale_grad_by_freq`` g is
    divided by how often its row is named. Raises LayerError for an x that is
    not of int32 or int64, or names no row; ValueError for a ``max_norm``, or a ``padding_idx``
    that is no row.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        *,
        device: Any = None,
        dtype: torch.dtype | None = None,
        init: Initializer | None = None,
    ) -> None:
        if max_norm is not None:
            raise ValueError(f"max_norm must be None: a forward changes no weight; got {max_norm}")
        if sparse:
            raise ValueError("sparse must be False: gradients are dense here")
        check_whole(num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        if padding_idx is not None and padding_idx not in range(-num_embeddings, num_embeddings):
            rows = count_noun(num_embeddings, "row")
            raise ValueError(f"padding_idx must be one of {rows}, got {padding_idx}")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx, self.max_norm, self.norm_type = padding_idx, max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        shape = (num_embeddings, embedding_dim)
        self._init_parameters(shape, bias=False, init=init, device=device, dtype=dtype)

    def default_init(self) -> Initializer:
        """torch's: N(0, 1)."""
        return Normal()

    def set_init(self, init: Initializer | None) -> None:
        """Choose how ``initialize`` draws from now on (None: as torch does)."""
        super().set_init(init)
        if self.padding_idx is not None and self.weight.init is not None:
            self.weight.init = ZeroRow(self.weight.init, self.padding_idx)

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        weight = self.weight
        self._check_indices(x)
        if self.replicas is not None:
            x = x.expand(self.replicas, *x.shape[1:])
        lead, D = x.shape[: self.num_replica_dims], self.embedding_dim
        rows = x.reshape(*lead, -1, 1).long().expand(*lead, -1, D)

        def backward(g: Tensor) -> None:
            g = g.reshape(rows.shape)
            if self.padding_idx is not None:
                g = g.masked_fill(rows == self.padding_idx % self.num_embeddings, 0)
            if self.scale_grad_by_freq:
                one = torch.ones_like(g)
                g = g / torch.zeros_like(weight.data).scatter_add_(-2, rows, one).gather(-2, rows)
            weight.grad.scatter_add_(-2, rows, g)

        return weight.data.gather(-2, rows).reshape(*x.shape, D), backward

    def _check_indices(self, x: Tensor) -> None:
        check_input(self, x, f"whole numbers below {self.num_embeddings}", floating=False)
        if x.dtype not in (torch.int32, torch.int64):
            raise LayerError(self, f"expected torch.int64 or torch.int32, got {x.dtype}")
        if x.device != self.weight.data.device:
            raise LayerError(
                self, f"expected a tensor on {self.weight.data.device}, got {x.device}"
            )
        known = x.is_meta or not x.numel() or 0 <= x.min() <= x.max() < self.num_embeddings
        if not known:
            raise LayerError(
                self,
                f"expected whole numbers from 0 to {self.num_embeddings - 1}, got numbers from "
                f"{x.min().item()} to {x.max().item()}",
            )
