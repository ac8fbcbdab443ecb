"""Losses that compare outputs with each other: MarginRankingLoss, CosineEmbeddingLoss,
TripletMarginLoss.

The output is a tuple of tensors, as Parallel or a module of one's own gives it, and so is its
gradient; torch's call with one argument each does the same. N samples, D features, m the margin; ℓ
is the loss of one sample, g = dL/dℓ.
"""

from __future__ import annotations

from abc import ABC
from typing import Any, ClassVar, final

import torch
from torch import Tensor

from chainrule.nn.errors import LayerError, check_input, describe_shape
from chainrule.nn.loss.base import ReducedLoss
from chainrule.nn.loss.margin import check_signs
from chainrule.nn.vjp import BackwardFn

__all__ = ["CosineEmbeddingLoss", "MarginRankingLoss", "TripletMarginLoss"]

COSINE_EPS = 1e-12
"""What torch adds to a squared length, so that a vector of zeros has a cosine."""


class ComparingLoss(ReducedLoss, ABC):
    """A loss of several outputs of one shape, named in ``parts``."""

    parts: ClassVar[tuple[str, ...]]

    def _split_output(self, output: Any, axes: str) -> tuple[Tensor, ...]:
        """The outputs. Raises LayerError unless they are so many tensors of one shape."""
        if not (isinstance(output, tuple | list) and len(output) == len(self.parts)):
            expected = f"expected outputs ({', '.join(self.parts)})"
            raise LayerError(self, f"{expected}, got {describe_shape(output)}")
        first = output[0]
        self._check_output(first, axes, least=int(axes != "…"))
        for other in output[1:]:
            check_input(
                self,
                other,
                f"outputs of one shape {describe_shape(first)}",
                lambda x: x.shape == first.shape,
                like=first,
            )
        return tuple(output)


class PairLoss(ComparingLoss, ABC):
    """A loss of two outputs, which a target of 1 or −1 compares."""

    parts = ("x1", "x2")

    def __call__(self, output: Any, target: Tensor, y: Tensor | None = None) -> Tensor:
        """Return the value for ((x1, x2), y), or for x1, x2 and y apart."""
        return super().__call__(*((output, target) if y is None else ((output, target), y)))


@final
class MarginRankingLoss(PairLoss):
    """ℓ = max(0, m − t (x₁ − x₂))        x₁, x₂ any shape, t 1 or −1: which is to be larger

    dℓ/dx₁ = −t while t (x₁ − x₂) ≤ m, else 0,   dℓ/dx₂ = −dℓ/dx₁

    Raises LayerError for other shapes, and for a target that is neither.
    """

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, output: Any, target: Tensor) -> tuple[Tensor, BackwardFn]:
        a, b = self._split_output(output, "…")
        self._check_target(target, a.shape[self.num_replica_dims :], like=a)
        check_signs(self, target)
        excess = self.margin - target * (a - b)
        slope = -target * (excess >= 0)

        def rule(g: Tensor) -> tuple[Tensor, Tensor]:
            da = g * slope
            return da, -da

        return self._reduce(excess.clamp(min=0), rule)


@final
class CosineEmbeddingLoss(PairLoss):
    """ℓ = 1 − c where t = 1, max(0, c − m) where t = −1        x₁, x₂ (N, D) or (D,), t (N,) or ()

    c = x₁·x₂ / (|x₁| |x₂|);   dc/dx₁ = (x₂ / |x₂| − c x₁ / |x₁|) / |x₁|, and so for x₂

    dℓ/dx = −dc/dx where t = 1, dc/dx where t = −1 and c ≥ m. Raises LayerError for other shapes,
    and for a target that is neither.
    """

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, output: Any, target: Tensor) -> tuple[Tensor, BackwardFn]:
        a, b = self._split_output(output, "N, D")
        self._check_target(target, a.shape[self.num_replica_dims : -1])
        check_signs(self, target)
        long_a, long_b = (((x * x).sum(-1) + COSINE_EPS).sqrt() for x in (a, b))
        c = (a * b).sum(-1) / (long_a * long_b)
        like, excess = target > 0, c - self.margin
        slope = torch.where(like, -1, (excess >= 0).to(c.dtype))

        def rule(g: Tensor) -> tuple[Tensor, Tensor]:
            dc = (g * slope).unsqueeze(-1)
            unit_a, unit_b = a / long_a.unsqueeze(-1), b / long_b.unsqueeze(-1)
            along = c.unsqueeze(-1)
            return (
                dc * (unit_b - along * unit_a) / long_a.unsqueeze(-1),
                dc * (unit_a - along * unit_b) / long_b.unsqueeze(-1),
            )

        return self._reduce(torch.where(like, 1 - c, excess.clamp(min=0)), rule)


@final
class TripletMarginLoss(ComparingLoss):
    """ℓ = max(0, d(a, b) − d(a, n) + m),  d(x, y) = ‖x − y + ε‖ₚ        a, b, n (N, D) or (D,)

    With u(x, y) = s |s|ᵖ⁻² / dᵖ⁻¹ of s = x − y + ε, the slope of d: where ℓ > 0 (or its edge),
    dℓ/da = u(a, b) − u(a, n),   dℓ/db = −u(a, b),   dℓ/dn = u(a, n)

    The anchor a is to be nearer to the positive b than to the negative n. With ``swap`` the
    distance to n is that of a or of b, whichever is shorter. There is no target: what is given as
    one is not looked at. Raises LayerError for other shapes, ValueError unless p is positive and
    finite and the margin above 0.        Balntas et al., 2016
    """

    parts = ("anchor", "positive", "negative")

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        *,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        if not 0 < p < float("inf"):
            raise ValueError(f"p must be positive and finite, got {p}")
        if not margin > 0:
            raise ValueError(f"margin must be positive, got {margin}")
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def __call__(self, output: Any, target: Any = None, negative: Tensor | None = None) -> Tensor:
        """Return the value for (anchor, positive, negative), or for the three apart."""
        apart = (output, target, negative)
        return super().__call__(*((output, target) if negative is None else (apart, None)))

    def forward(self, output: Any, target: Any) -> tuple[Tensor, BackwardFn]:
        a, b, n = self._split_output(output, "N, D")
        near, near_rule = self._distance(a, b)
        far, far_rule = self._distance(a, n)
        from_b = torch.zeros_like(far, dtype=torch.bool)
        if self.swap:
            other, other_rule = self._distance(b, n)
            from_b = other < far
            far = torch.where(from_b, other, far)
        excess = near - far + self.margin

        def rule(g: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            g = g * (excess >= 0)
            pull = near_rule(g)
            push = far_rule(g.masked_fill(from_b, 0))
            if not self.swap:
                return pull - push, -pull, push
            aside = other_rule(g.masked_fill(~from_b, 0))
            return pull - push, -pull - aside, push + aside

        return self._reduce(excess.clamp(min=0), rule)

    def _distance(self, x: Tensor, y: Tensor) -> tuple[Tensor, BackwardFn]:
        """d(x, y) and the rule from g to g u, which is the gradient of x; that of y is −g u."""
        s, p = x - y + self.eps, self.p
        d = s.abs().pow(p).sum(-1).pow(1 / p)

        def rule(g: Tensor) -> Tensor:
            slope = s.sign() * (s.abs() / d.unsqueeze(-1)).pow(p - 1)
            return g.unsqueeze(-1) * slope.masked_fill(d.unsqueeze(-1) == 0, 0)

        return d, rule
