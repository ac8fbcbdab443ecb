"""Dropout: Dropout (of single entries), Dropout2d (of whole channels).

Where a net has seeds (from ``initialize``, or its trainer's), each draw follows from the replica's
seed of the layer, the number of the use, the sample's place in the batch and the entry's place in
the sample: see :mod:`chainrule.nn.ops.philox`. ``rng_counter``, the number of the next use, is all
that a resumed run must know, and a replica draws what its net alone would, wherever it is computed.
Without seeds the draws are torch's own, from its global generator.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import prod
from typing import final

import torch
from torch import Tensor

from chainrule._util.words import count_noun
from chainrule.nn.errors import LayerError, check_input
from chainrule.nn.module import Module
from chainrule.nn.ops.philox import philox_words
from chainrule.nn.vjp import BackwardFn

__all__ = ["Dropout", "Dropout2d", "DropoutBase", "drop_within", "keep_rule"]


class DropoutBase(Module, ABC):
    """y = x m in training, m = 1 / (1 − p), or 0 with probability p; y = x in evaluation

    dL/dx = g m        Srivastava et al., 2014
    """

    def __init__(self, p: float | Tensor = 0.5, inplace: bool = False) -> None:
        for value in p.flatten().tolist() if isinstance(p, Tensor) else [p]:
            if not isinstance(value, int | float) or not 0 <= value <= 1:
                raise ValueError(f"p is a probability, from 0 to 1; got {value!r}")
        self.p = p.item() if isinstance(p, Tensor) and not p.dim() else p
        self.inplace = inplace

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        self._check_input(x)
        chances = self.drop_probabilities()
        if not self.training:
            return x, lambda g: g
        n, self.rng_counter = self.rng_counter, self.rng_counter + 1
        if not any(chances):
            return x, lambda g: g
        mask = self._draw_masks(x, chances, n)
        return x * mask, lambda g: g * mask

    def drop_probabilities(self) -> list[float]:
        """p of each replica."""
        K = self.replicas or 1
        p = self.p.flatten().tolist() if isinstance(self.p, Tensor) else [self.p] * K
        if len(p) != K:
            each = f"one for each of {count_noun(K, 'replica')}"
            raise LayerError(self, f"expected one p, or {each}, got {len(p)}")
        return p

    def _draw_masks(self, x: Tensor, chances: list[float], n: int) -> Tensor:
        """m of all replicas, or of the plain net."""
        lead = self.num_replica_dims
        shape = torch.Size([len(chances)] * lead) + self.mask_shape(x.shape[lead:])
        mask = x.new_empty(shape)
        if self.seeds is None:
            for m, p in zip(mask if lead else [mask], chances, strict=True):
                torchs_mask_(m, p)
            return mask
        samples = shape[lead] if len(shape) > lead else 1
        draws = prod(shape[lead + 1 :])
        words = philox_words(self.seeds, n, samples, draws, x.device)
        limits, scales = zip(*map(keep_rule, chances), strict=True)
        kept = words >= torch.tensor(limits, device=x.device)[:, None, None]
        scale = torch.tensor(scales, dtype=x.dtype, device=x.device)[:, None, None]
        return mask.copy_((kept * scale).reshape(shape))

    def _check_input(self, x: Tensor) -> None:
        check_input(self, x)

    @abstractmethod
    def mask_shape(self, shape: torch.Size) -> torch.Size:
        """The shape of m for an x of this one, without replicas; its samples are first."""


def keep_rule(p: float) -> tuple[int, float]:
    """(limit, scale) of a probability: m is the scale where a number below 2³² is not below the
    limit, else 0.
    """
    return round(p * 2**32), 1 / (1 - p) if p < 1 else 0.0


def torchs_mask_(mask: Tensor, p: float) -> None:
    """Fill m with what torch's dropout draws."""
    if p == 1:
        mask.zero_()
    else:
        mask.bernoulli_(1 - p).div_(1 - p)


@final
class Dropout(DropoutBase):
    """y = x m in training, each entry of m 1 / (1 − p), or 0 with probability p        any shape

    dL/dx = g m. In evaluation y = x.        Srivastava et al., 2014

    ``p`` is a number, or in a cohort a tensor (K,) with one for each replica; ValueError outside
    [0, 1]. ``inplace`` is accepted for torch's sake; nothing is written into x.
    """

    def mask_shape(self, shape: torch.Size) -> torch.Size:
        return shape


@final
class Dropout2d(DropoutBase):
    """y = x m in training, m one number for each sample and channel        x (…, N, C, H, W)

    dL/dx = g m. In evaluation y = x.        Tompson et al., 2015

    ``p`` and ``inplace`` as for Dropout. Also x (…, N, C, L), as torch reads three axes. Raises
    LayerError for another number of axes.
    """

    def _check_input(self, x: Tensor) -> None:
        check_input(
            self,
            x,
            "input (N, C, H, W) or (N, C, L)",
            lambda x: x.dim() - self.num_replica_dims in (3, 4),
        )

    def mask_shape(self, shape: torch.Size) -> torch.Size:
        return shape[:2] + torch.Size([1] * (len(shape) - 2))


def drop_within(module: Module, x: Tensor, p: float) -> tuple[Tensor, BackwardFn]:
    """Dropout as a part of another layer, with that layer's draws        x (…, N, any)"""
    dropout = Dropout(p)
    dropout.replicas, dropout.training = module.replicas, module.training
    dropout.seeds, dropout.rng_counter = module.seeds, module.rng_counter
    y, rule = dropout.forward(x)
    module.rng_counter = dropout.rng_counter
    return y, rule
