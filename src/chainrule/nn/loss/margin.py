"""Losses of a margin: an answer is right once it is right by enough.

HingeEmbeddingLoss, SoftMarginLoss, MultiMarginLoss, MultiLabelSoftMarginLoss. o is the output, t
the target, m the margin, L the number of classes, N of samples; ℓ is the loss of one element or
sample, g = dL/dℓ. What a target may be is checked on the CPU: elsewhere a look costs a wait.
"""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from chainrule._util.words import count_noun
from chainrule.nn.errors import LayerError, describe_shape
from chainrule.nn.loss.base import ElementwiseLoss, Loss, ReducedLoss, Weights, as_weights
from chainrule.nn.vjp import BackwardFn

__all__ = [
    "HingeEmbeddingLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "SoftMarginLoss",
    "check_signs",
]


def check_signs(loss: Loss, t: Tensor) -> None:
    """Raise a LayerError unless every target is 1 or −1."""
    if t.device.type == "cpu" and (t.abs() != 1).any():
        raise LayerError(loss, f"expected targets of 1 and -1, got {t[t.abs() != 1][0].item()}")


@final
class HingeEmbeddingLoss(ElementwiseLoss):
    """ℓ = o where t = 1, max(0, m − o) where t = −1        o a distance, t any shape

    dℓ/do = 1 where t = 1; where t = −1: −1 while o ≤ m, else 0

    Raises LayerError for a target that is neither.
    """

    def __init__(self, margin: float = 1.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def losses(self, o: Tensor, t: Tensor) -> tuple[Tensor, BackwardFn]:
        check_signs(self, t)
        like, room = t > 0, self.margin - o
        slope = torch.where(like, 1, -(room >= 0).to(o.dtype))
        return torch.where(like, o, room.clamp(min=0)), lambda g: g * slope


@final
class SoftMarginLoss(ElementwiseLoss):
    """ℓ = log(1 + e^(−t o))        o any shape, t 1 or −1

    dℓ/do = −t σ(−t o)

    Raises LayerError for a target that is neither.
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction)

    def losses(self, o: Tensor, t: Tensor) -> tuple[Tensor, BackwardFn]:
        check_signs(self, t)
        z = -t * o
        return torch.logaddexp(z.new_zeros(()), z), lambda g: -g * t * z.sigmoid()

    @property
    def decision_threshold(self) -> float:
        """Right is the sign."""
        return 0.0


@final
class MultiLabelSoftMarginLoss(ReducedLoss):
    """ℓ = Σ w (log(1 + e⁻ᵒ) + (1 − t) o) / L        o, t (N, L) or (L,), t in [0, 1]

    dℓ/do = w (σ(o) − t) / L

    The mean over a sample's L yes-or-no answers of BCEWithLogitsLoss; ``weight`` w (L,). Raises
    LayerError for other shapes.
    """

    def __init__(self, weight: Weights = None, *, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight = as_weights("weight", weight)

    @property
    def decision_threshold(self) -> float:
        """Of logits 0, which is a probability of ½."""
        return 0.0

    def forward(self, output: Tensor, target: Tensor) -> tuple[Tensor, BackwardFn]:
        self._check_output(output, "N, L", least=1)
        self._check_target(target, output.shape[self.num_replica_dims :], like=output)
        w = output.new_ones(output.shape[-1:]) if self.weight is None else self.weight.to(output)
        if w.shape != output.shape[-1:]:
            expected = f"expected one class for each of {count_noun(len(w), 'weight')}"
            raise LayerError(self, f"{expected}, got {describe_shape(output)}")
        L = output.shape[-1]
        losses = torch.logaddexp(output.new_zeros(()), -output) + (1 - target) * output
        return self._reduce(
            (w * losses).mean(-1),
            lambda g: g.unsqueeze(-1) * w * (output.sigmoid() - target) / L,
        )


@final
class MultiMarginLoss(ReducedLoss):
    """ℓ = w_t Σ_{l≠t} max(0, m − o_t + o_l)ᵖ / L        o (N, L) or (L,), t classes (N,) or ()

    With h = p w_t max(0, …)ᵖ⁻¹ / L:   dℓ/do_l = h_l,   dℓ/do_t = −Σ h_l

    Crammer and Singer, 2001. p is 1 or 2, ``weight`` w (L,); the mean is Σ ℓ / N. Raises ValueError
    for another p, LayerError for another shape or dtype and for a class that is not there.
    """

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Weights = None,
        *,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        if p not in (1, 2):
            raise ValueError(f"p is 1 or 2, got {p}")
        self.p, self.margin, self.weight = p, margin, as_weights("weight", weight)

    def forward(self, output: Tensor, target: Tensor) -> tuple[Tensor, BackwardFn]:
        index = self._class_index(output, target)
        excess = self.margin - output.gather(-1, index) + output
        excess = excess.clamp(min=0).scatter(-1, index, 0)
        share = output.new_ones(()) / output.shape[-1]
        if self.weight is not None:
            share = share * self.weight.to(output).take(index)
        slope = excess if self.p == 2 else (excess > 0).to(excess)
        slope = slope.scatter(-1, index, -slope.sum(-1, keepdim=True)) * (self.p * share)
        losses = (share * excess**self.p).sum(-1)
        return self._reduce(losses, lambda g: g.unsqueeze(-1) * slope)

    def _class_index(self, output: Tensor, target: Tensor) -> Tensor:
        """The targets, ready to gather with."""
        self._check_output(output, "N, L", least=1)
        shape, L = output.shape[:-1], output.shape[-1]
        self._check_target(target, shape[self.num_replica_dims :], "class indices")
        if target.dtype != torch.int64:
            raise LayerError(self, f"expected class indices of torch.int64, got {target.dtype}")
        if self.weight is not None and self.weight.shape != (L,):
            given = f"{count_noun(L, 'class')} and weights {describe_shape(self.weight)}"
            raise LayerError(self, f"expected one class for each weight, got {given}")
        if target.device.type == "cpu" and ((target < 0) | (target >= L)).any():
            wrong = target[(target < 0) | (target >= L)][0]
            raise LayerError(self, f"expected class indices from 0 to {L - 1}, got {wrong}")
        return target.expand(shape).unsqueeze(-1)
