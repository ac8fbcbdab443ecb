"""Dropout: Dropout (of single entries), Dropout2d (of whole channels).

Where a net has seeds (``initialize``), use number n of a layer draws from a generator of its own,
seeded by (the replica's seed, n): ``rng_counter`` = n is all that a resumed run must know, and a
replica draws what its net alone would. Without seeds the draws are torch's own, from its global
generator.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import final

import torch
from torch import Generator, Tensor

from chainrule import seeds
from chainrule.nn.errors import LayerError, check_input
from chainrule.nn.module import Module
from chainrule.nn.vjp import BackwardFn

__all__ = ["Dropout", "Dropout2d"]


class DropoutBase(Module, ABC):
    """y = x m in training, m = 1 / (1 − p), or 0 with probability p; y = x in evaluation

    dL/dx = g m        Srivastava et al., 2014
    """

    def __init__(self, p: float | Tensor = 0.5, inplace: bool = False) -> None:
        for value in p.flatten().tolist() if isinstance(p, Tensor) else [p]:
            if not 0 <= value <= 1:
                raise ValueError(f"p is a probability, from 0 to 1; got {value}")
        self.p = p.item() if isinstance(p, Tensor) and not p.dim() else p
        self.inplace = inplace

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        self._check_input(x)
        chances = self._drop_probabilities()
        if not self.training:
            return x, lambda g: g
        n, self.rng_counter = self.rng_counter, self.rng_counter + 1
        if not any(chances):
            return x, lambda g: g
        mask = self._draw_masks(x, chances, n)
        return x * mask, lambda g: g * mask

    def _drop_probabilities(self) -> list[float]:
        """p of each replica."""
        K = self.replicas or 1
        p = self.p.flatten().tolist() if isinstance(self.p, Tensor) else [self.p] * K
        if len(p) != K:
            raise LayerError(self, f"expected one p, or one for each of {K} replicas, got {len(p)}")
        return p

    def _draw_masks(self, x: Tensor, chances: list[float], n: int) -> Tensor:
        if self.replicas is None:
            return self._draw_mask(x, chances[0], self._generator(0, n))
        samples = zip(x.expand(self.replicas, *x.shape[1:]), chances, strict=True)
        return torch.stack(
            [self._draw_mask(x_k, p, self._generator(k, n)) for k, (x_k, p) in enumerate(samples)]
        )

    def _generator(self, k: int, n: int) -> Generator | None:
        return None if self.seeds is None else seeds.generator(self.seeds[k], n)

    def _draw_mask(self, x: Tensor, p: float, generator: Generator | None) -> Tensor:
        """m for one replica; where it has a seed, drawn on the CPU, in the order of indices."""
        mask = self._empty_mask(x if generator is None else torch.empty(x.shape, dtype=x.dtype))
        if p == 1:
            mask.zero_()
        else:
            mask.bernoulli_(1 - p, generator=generator).div_(1 - p)
        return mask.to(x.device)

    def _check_input(self, x: Tensor) -> None:
        check_input(self, x)

    @abstractmethod
    def _empty_mask(self, like: Tensor) -> Tensor:
        """An empty mask for such an x."""


@final
class Dropout(DropoutBase):
    """y = x m in training, each entry of m 1 / (1 − p), or 0 with probability p        any shape

    dL/dx = g m. In evaluation y = x.        Srivastava et al., 2014

    ``p`` is a number, or in a cohort a tensor (K,) with one for each replica; ValueError outside
    [0, 1]. ``inplace`` is accepted for torch's sake; nothing is written into x.
    """

    def _empty_mask(self, like: Tensor) -> Tensor:
        return torch.empty_like(like)


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

    def _empty_mask(self, like: Tensor) -> Tensor:
        return like.new_empty(*like.shape[:2], *[1] * (like.dim() - 2))
