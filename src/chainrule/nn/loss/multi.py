"""MultiLoss: the weighted sum of several losses, one a named head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, final

import torch
from torch import Tensor

from chainrule._util.kinds import check_kind, describe_object
from chainrule._util.pytree import take_rows, tree_map
from chainrule.nn.errors import LayerError, describe_shape
from chainrule.nn.loss.base import Loss, LossTerm
from chainrule.nn.vjp import BackwardFn

__all__ = ["MultiLoss"]


@final
class MultiLoss(Loss):
    """L = Σ wᵢ Lᵢ(oᵢ, tᵢ)        o, t: dicts with one entry a loss, by name

    dL/doᵢ = dLᵢ/doᵢ at g wᵢ, a dict by name

    A weight is a number, in a cohort also a tensor (K,), one a replica; 1 unless given. With
    weight 0 a loss adds 0, and its gradient is 0, even where it is nan or inf. ``values`` has the
    last Lᵢ, not weighted. Targets without a loss are ignored. Raises LayerError where an output
    or a target is missing, for an output without a loss, and for a weight of another shape;
    ValueError for a weight without a loss and a loss that is not reduced.
    """

    def __init__(
        self,
        losses: Mapping[str, Loss],
        weights: Mapping[str, float | Tensor] | None = None,
    ) -> None:
        if not isinstance(losses, Mapping):
            raise TypeError(
                'MultiLoss: expected a dict of names and losses, such as {"main": MSELoss()}, got '
                + describe_object(losses)
            )
        self.losses = dict(losses)
        if not self.losses:
            raise ValueError("MultiLoss is made of at least one loss, got none")
        for name, loss in self.losses.items():
            check_kind(loss, Loss, f"MultiLoss[{name!r}]")
            if getattr(loss, "reduction", "mean") == "none":
                raise ValueError(f"a sum needs losses that are reduced, got {name!r}: {loss!r}")
        unknown = [name for name in weights or {} if name not in self.losses]
        if unknown:
            raise ValueError(f"no loss for the weights of {unknown}; losses: {[*self.losses]}")
        self.weights: dict[str, float | Tensor] = {**dict.fromkeys(losses, 1.0), **(weights or {})}
        self._last_values: dict[str, Tensor] = {}

    @property
    def values(self) -> dict[str, Tensor]:
        """Name → the loss, not weighted, of the last call."""
        return self._last_values

    def forward(
        self, output: Mapping[str, Any], target: Mapping[str, Any]
    ) -> tuple[Tensor, BackwardFn]:
        self._check_names(output, target)
        values, rules = {}, {}
        for name, loss in self.losses.items():
            try:
                values[name], rules[name] = loss.forward(output[name], target[name])
            except LayerError as error:
                raise error.with_path(f"MultiLoss[{name!r}]") from None
        weights = {name: self._weight_like(name, value) for name, value in values.items()}
        self._last_values = values
        parts = [
            mask_zero_weight(weights[name] * value, weights[name]) for name, value in values.items()
        ]

        def rule(g: Tensor) -> dict[str, Any]:
            return {name: mask_zero_weight(rules[name](g * w), w) for name, w in weights.items()}

        return sum(parts[1:], parts[0]), rule

    def _check_names(self, output: Any, target: Any) -> None:
        names = set(self.losses)
        shown = ", ".join(map(repr, self.losses))
        for what, given in (("outputs", output), ("targets", target)):
            if not isinstance(given, Mapping) or not names <= set(given):
                raise LayerError(self, f"expected {what} for {shown}, got {describe_shape(given)}")
        extra = [name for name in output if name not in names]
        if extra:
            raise LayerError(self, f"expected outputs for {shown} alone, got {extra} besides")

    def _weight_like(self, name: str, value: Tensor) -> Tensor | float:
        """The weight of a loss, as it goes with its value."""
        weight = self.weights[name]
        if not isinstance(weight, Tensor):
            return weight
        if weight.shape not in ((), value.shape):
            expected = f"a number or a tensor {describe_shape(value)}"
            raise LayerError(
                self, f"expected weight {name!r} {expected}, got {describe_shape(weight)}"
            )
        return weight.to(value)

    def split_terms(
        self, output: Mapping[str, Any], target: Mapping[str, Any], value: Tensor
    ) -> list[LossTerm]:
        """Those of each loss, at its weight."""
        terms: list[LossTerm] = []
        for name, loss in self.losses.items():
            parts = loss.split_terms(output[name], target[name], self._last_values[name])
            weights = [self._weight_like(name, part.value) for part in parts]
            terms += [
                LossTerm(mask_zero_weight(w * part.value, w), part.weight)
                for part, w in zip(parts, weights, strict=True)
            ]
        return terms

    def replicate(self, K: int) -> Self:
        """The same losses for a cohort of K."""
        cohort = super().replicate(K)
        cohort.losses = {name: loss.replicate(K) for name, loss in self.losses.items()}
        cohort.weights, cohort._last_values = dict(self.weights), {}
        return cohort

    def replica(self, k: int) -> Self:
        """The losses of replica k with its weights, for a plain net."""
        plain = super().replica(k)
        plain.losses = {name: loss.replica(k) for name, loss in self.losses.items()}
        plain.weights = {
            name: weight[k] if isinstance(weight, Tensor) and weight.dim() else weight
            for name, weight in self.weights.items()
        }
        return plain

    def keep_replicas(self, index: Tensor) -> None:
        """Be the losses of these replicas, with their weights        index int64 (n,)"""
        super().keep_replicas(index)
        for loss in self.losses.values():
            loss.keep_replicas(index)
        self.weights, self._last_values = take_rows(self.weights, index), {}


def mask_zero_weight(x: Any, weight: Tensor | float) -> Any:
    """x, and 0 where the weight is 0 whatever x is; a weight (K,) goes with the first axis."""
    if not isinstance(weight, Tensor):
        return x if weight else tree_map(torch.zeros_like, x)
    zero = weight == 0

    def fill(t: Tensor) -> Tensor:
        return t.masked_fill(zero.reshape(zero.shape + (1,) * (t.dim() - zero.dim())), 0)

    return tree_map(fill, x)
