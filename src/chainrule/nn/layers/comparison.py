"""How two numbers that are known with a probability each are ordered: LessEqualProbability."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from chainrule.nn.errors import check_input
from chainrule.nn.module import Module
from chainrule.nn.vjp import BackwardFn

__all__ = ["LessEqualProbability"]


@final
class LessEqualProbability(Module):
    """y = (log P(i > j), log P(i ≤ j)), i and j drawn from softmax x₁ and softmax x₂

    x (…, N, 2, L) logits, L ≥ 2   y (…, N, 2)   s = log softmax x   P_ij = exp(s₁ᵢ + s₂ⱼ)
    y_c = log Σ P_ij over the (i, j) of case c;   dL/ds₁ᵢ = Σ_j h_ij,   dL/ds₂ⱼ = Σ_i h_ij,
    h_ij = g_c P_ij / exp y_c, c the case of (i, j);   dL/dx = dL/ds − softmax x Σ dL/ds

    As y are log-probabilities of two cases that exclude each other, CrossEntropyLoss takes them
    as they are. Raises LayerError for another shape or a dtype that is not floating.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        check_input(self, x, "logits (N, 2, ≥2)", self._fits)
        shares = x.log_softmax(-1)
        joint = shares[..., 0, :, None] + shares[..., 1, None, :]
        at_most = torch.ones_like(joint, dtype=torch.bool).triu()
        case = torch.stack([~at_most, at_most], -3)
        cases = joint.unsqueeze(-3).masked_fill(~case, float("-inf"))
        y = cases.logsumexp((-2, -1))

        def rule(g: Tensor) -> Tensor:
            h = ((cases - y[..., None, None]).exp() * g[..., None, None]).sum(-3)
            ds = torch.stack([h.sum(-1), h.sum(-2)], -2)
            return ds - shares.exp() * ds.sum(-1, keepdim=True)

        return y, rule

    def _fits(self, x: Tensor) -> bool:
        return x.dim() == self.num_replica_dims + 3 and x.shape[-2] == 2 and x.shape[-1] > 1
