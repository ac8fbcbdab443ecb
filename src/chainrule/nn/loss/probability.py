"""Losses of probabilities, each by itself: BCELoss, BCEWithLogitsLoss, KLDivLoss.

o is the output, t the target; ℓ is the loss of one element, g = dL/dℓ.
"""

from __future__ import annotations

from abc import ABC
from typing import final

import torch
from torch import Tensor

from chainrule.nn.errors import LayerError, describe_shape
from chainrule.nn.loss.base import ElementwiseLoss, Weights, as_weights
from chainrule.nn.vjp import BackwardFn

__all__ = ["BCELoss", "BCEWithLogitsLoss", "KLDivLoss"]

TORCH_EPS = 9.999999960041972e-13
"""1e-12 as torch has it, in float32, whatever the dtype."""


class BinaryLoss(ElementwiseLoss, ABC):
    """A loss of probabilities, each by itself; ``weight`` multiplies ℓ and does not change n.

    It may have fewer axes than the target, or axes of length 1, as torch broadcasts it.
    """

    weight: Tensor | None

    def forward(self, output: Tensor, target: Tensor) -> tuple[Tensor, BackwardFn]:
        self._check_output(output)
        self._check_target(target, output.shape[self.num_replica_dims :], like=output)
        losses, rule = self.losses(output, target)
        if self.weight is None:
            return self._reduce(losses, rule)
        w = self._broadcast_weight("weight", self.weight, output)
        return self._reduce(w * losses, lambda g: rule(w * g))

    def _broadcast_weight(self, name: str, value: Tensor, o: Tensor) -> Tensor:
        """A tensor of the constructor, ready to multiply with."""
        shape = o.shape[self.num_replica_dims :]
        pairs = zip(reversed(value.shape), reversed(shape), strict=False)
        if value.dim() > len(shape) or any(a not in (1, b) for a, b in pairs):
            raise LayerError(
                self, f"expected {name} to fit {tuple(shape)}, got {describe_shape(value)}"
            )
        return value.to(o)


@final
class BCELoss(BinaryLoss):
    """ℓ = −w (t log o + (1 − t) log(1 − o))        o, t any shape, in [0, 1]

    dℓ/do = w (o − t) / (o (1 − o)); as in torch a log is at least −100 and o (1 − o) 1e-12

    Raises LayerError for a number outside [0, 1] (on the CPU); a nan is let through.
    """

    def __init__(self, weight: Weights = None, *, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight = as_weights("weight", weight)

    @property
    def decision_threshold(self) -> float:
        """Of probabilities ½."""
        return 0.5

    def losses(self, o: Tensor, t: Tensor) -> tuple[Tensor, BackwardFn]:
        self._check_probabilities("output", o)
        self._check_probabilities("target", t)
        yes, no = o.log().clamp(min=-100), (-o).log1p().clamp(min=-100)
        losses = (t - 1) * no - t * yes
        return losses, lambda g: g * (o - t) / (o * (1 - o)).clamp(min=TORCH_EPS)

    def _check_probabilities(self, name: str, x: Tensor) -> None:
        if x.device.type == "cpu" and ((x < 0) | (x > 1)).any():
            wrong = x[(x < 0) | (x > 1)][0]
            raise LayerError(self, f"expected {name} in [0, 1], got {wrong}")


@final
class BCEWithLogitsLoss(BinaryLoss):
    """ℓ = w (m log(1 + e⁻ᵒ) + (1 − t) o),  m = 1 − t + u,  u = p t        o, t any shape

    dℓ/do = w (m σ(o) − u); without ``pos_weight`` p, u = t and m = 1

    It is BCELoss after a Sigmoid, for any logit o. p weighs the yes answers, one number an
    element of the last axes.
    """

    def __init__(
        self,
        weight: Weights = None,
        *,
        reduction: str = "mean",
        pos_weight: Weights = None,
    ) -> None:
        super().__init__(reduction)
        self.weight = as_weights("weight", weight)
        self.pos_weight = as_weights("pos_weight", pos_weight)

    @property
    def decision_threshold(self) -> float:
        """Of logits 0, which is a probability of ½."""
        return 0.0

    def losses(self, o: Tensor, t: Tensor) -> tuple[Tensor, BackwardFn]:
        minus_log = torch.logaddexp(o.new_zeros(()), -o)  # −log σ(o)
        if self.pos_weight is None:
            return minus_log + (1 - t) * o, lambda g: g * (o.sigmoid() - t)
        u = self._broadcast_weight("pos_weight", self.pos_weight, o) * t
        m = 1 - t + u
        return m * minus_log + (1 - t) * o, lambda g: g * (m * o.sigmoid() - u)


@final
class KLDivLoss(ElementwiseLoss):
    """ℓ = t (log t − o), 0 where t = 0        o log-probabilities, t probabilities, any shape

    dℓ/do = −t

    With ``log_target`` the target is log t. ``reduction="batchmean"`` is the divergence itself,
    Σ ℓ / N; the "mean" is over all elements, as in torch.
    """

    reductions = ("none", "mean", "sum", "batchmean")

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction)
        self.log_target = log_target

    def losses(self, o: Tensor, t: Tensor) -> tuple[Tensor, BackwardFn]:
        if self.log_target:
            q = t.exp()
            return q * (t - o), lambda g: -g * q
        return torch.xlogy(t, t) - t * o, lambda g: -g * t

    def _mean_divisor(self, losses: Tensor) -> int:
        if self.reduction == "batchmean":
            return losses.shape[self.num_replica_dims : self.num_replica_dims + 1].numel()
        return super()._mean_divisor(losses)
