"""The abstract losses: Loss, which only measures, ReducedLoss and ElementwiseLoss.

A LossTerm is what a batch adds to the loss of many, which combine_batches gives.

o is the output of a net, t its target, ℓ the loss of one element or sample, L what is reported:
the mean of ℓ, their sum, or all of them. g is dL/dvalue in ``backward`` and dL/dℓ in a formula.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from math import inf, nan, prod
from typing import Any, NamedTuple, Self, TypeAlias, cast

import torch
from torch import Tensor

from chainrule._util.pytree import named_leaves
from chainrule.nn.errors import LayerError, check_input, check_loss, describe_shape
from chainrule.nn.replicated import Replicated
from chainrule.nn.tagged import (
    Calls,
    find_calls,
    next_call,
    tag_gradient,
    tag_value,
    to_plain,
)
from chainrule.nn.vjp import BackwardFn

__all__ = [
    "ElementwiseLoss",
    "Loss",
    "LossTerm",
    "ReducedLoss",
    "Weights",
    "as_weights",
    "combine_batches",
    "combine_values",
    "find_losses",
    "sum_counted",
]

Weights: TypeAlias = Tensor | Sequence[float] | None
"""How much each class or element counts; a list, as a study's file has it."""


def as_weights(name: str, given: Weights) -> Tensor | None:
    """The weights as a tensor. Raises ValueError, with the argument's name, for other than numbers
    of at least 0, unless they are a tensor.
    """
    if given is None or isinstance(given, Tensor):
        return given
    numbers = [*given] if isinstance(given, list | tuple) else []
    right = all(isinstance(x, int | float) and not isinstance(x, bool) for x in numbers)
    if not numbers or not right or not all(0 <= x < inf for x in numbers):
        raise ValueError(
            f"{name}: expected a tensor, or a list of numbers of at least 0, got {given!r}"
        )
    return torch.tensor(numbers, dtype=torch.get_default_dtype())


class LossTerm(NamedTuple):
    """A loss of one batch, and how much the batch counts in the mean; None where batches add up.

    value (K,) or (), weight a number or a tensor that broadcasts to it. Where that is 0, the value
    is the sum over the samples: 0, but for what label smoothing gives to classes that count.
    """

    value: Tensor
    weight: Tensor | float | None


class Loss(Replicated, ABC):
    """How far an output is from its target: ``forward`` gives the value and its chain rule.

    ``loss(output, target)`` returns the value, ``loss.backward()`` then dL/doutput. In a cohort
    (``replicas`` = K) output is (K, N, …), target (K, N, …) or (1, N, …) where it is the same for
    all, and the value has K numbers (K,), one a replica: nothing mixes the replicas.
    """

    _last: tuple[BackwardFn, Tensor, dict[str, Calls]] | None = None

    @abstractmethod
    def forward(self, output: Any, target: Any) -> tuple[Tensor, BackwardFn]:
        """Return the value and the rule that takes g = dL/dvalue to dL/doutput."""

    def __call__(self, output: Any, target: Any) -> Tensor:
        """Return the value and remember its chain rule for one ``backward``."""
        self._last = None
        unknown: Calls = {next_call(): None}
        calls = {name: unknown for name, _ in named_leaves(output)} | find_calls(output)
        output, target = to_plain(output), to_plain(target)
        with torch.no_grad():
            value, rule = check_loss(self, self.forward(output, target), output)
        self._last = rule, value, calls
        return tag_value(value, self.label())

    def backward(self, g: Tensor | float | None = None) -> Any:
        """Apply the last call's chain rule, once: return dL/doutput.

        g is 1 unless given: a number, or one for each replica (K,). Where the value was not
        reduced, g must be given, in its shape. The gradient knows the call that its output came
        of: a module takes it only through that one. Raises RuntimeError where there is no call to
        go back through, LayerError where g does not fit.
        """
        if self._last is None:
            raise RuntimeError(
                f"{self.label()}: backward needs a call of the loss first, and goes through "
                "each call once: loss(output, target), then loss.backward()"
            )
        rule, value, calls = self._last
        g = self._expand_grad(to_plain(g), value)
        self._last = None
        with torch.no_grad():
            return tag_gradient(rule(g), calls)

    def _expand_grad(self, g: Any, value: Tensor) -> Tensor:
        """g in the shape of the value."""
        if value.dim() == self.num_replica_dims:
            if g is None or isinstance(g, int | float):
                return torch.full_like(value, 1.0 if g is None else g)
            if isinstance(g, Tensor) and not g.dim():
                g = g.expand(value.shape)
        given, expected = describe_shape(g, dtype=True), describe_shape(value, dtype=True)
        if g is None:
            raise LayerError(self, f"the value is not reduced: backward needs g of {expected}")
        if given != expected:
            raise LayerError(self, f"expected g of {expected}, got {given}")
        return cast("Tensor", g)

    @property
    def decision_threshold(self) -> float | None:
        """Above which a single output means yes, or class 1; None where the loss does not say."""
        return None

    def batch_weight(self, output: Any, target: Any) -> Tensor | float | None:
        """How much a batch counts in the loss of several of them: Σ w L / Σ w.

        The number of its samples; None where the loss is a sum, and so is that of several.
        """
        if getattr(self, "reduction", "mean") == "sum":
            return None
        return next(named_leaves(output))[1].shape[self.num_replica_dims]

    def split_terms(self, output: Any, target: Any, value: Tensor) -> list[LossTerm]:
        """The value that ``forward`` has just given, as terms that add up to it.

        :func:`combine_batches` makes the loss of many batches of them.
        """
        weight = self.batch_weight(output, target)
        if isinstance(weight, Tensor):
            value = value.masked_fill(weight == 0, 0)
        return [LossTerm(value, weight)]

    def replicate(self, K: int) -> Self:
        """The same loss for a cohort of K."""
        self._check_replicate(K)
        cohort = copy.copy(self)
        cohort.replicas = K
        return cohort

    def replica(self, k: int) -> Self:
        """The loss of replica k, for a plain net."""
        plain = copy.copy(self)
        plain.replicas = None
        return plain

    def keep_replicas(self, index: Tensor) -> None:
        """Be the loss of these replicas of a cohort alone, in this order        index int64 (n,)"""
        self.replicas = len(index)

    def _check_output(self, output: Any, axes: str = "…", least: int = 0) -> None:
        """Raise a LayerError unless output is a floating tensor with the replicas first."""
        lead = () if self.replicas is None else (self.replicas,)

        def fits(o: Tensor) -> bool:
            return (
                o.shape[: self.num_replica_dims] == lead
                and o.dim() >= self.num_replica_dims + least
            )

        check_input(self, output, f"output ({', '.join([*map(str, lead), axes])})", fits)

    def _check_target(
        self,
        target: Any,
        shape: tuple[int, ...],
        what: str = "target",
        like: Tensor | None = None,
    ) -> None:
        """Raise a LayerError unless target has this shape, after the replicas, and is ``like``."""
        K = self.replicas
        leads = [()] if K is None else [(1,), (K,)]
        axes = ([] if K is None else [f"{K} or 1"]) + [str(size) for size in shape]
        expected = f"{what} ({', '.join(axes)}{',' if len(axes) == 1 else ''})"

        def fits(t: Tensor) -> bool:
            return (
                t.shape[: self.num_replica_dims] in leads
                and t.shape[self.num_replica_dims :] == shape
            )

        if like is not None and isinstance(target, Tensor) and not fits(target):
            self._refuse_broadcast(target, shape, expected)
        check_input(self, target, expected, fits, like=like, floating=False)

    def _refuse_broadcast(self, target: Tensor, shape: tuple[int, ...], expected: str) -> None:
        """Raise a LayerError, with what to write, for a target that torch would broadcast."""
        lead, given = target.shape[: self.num_replica_dims], target.shape[self.num_replica_dims :]
        pairs = list(zip(reversed(given), reversed(shape), strict=False))
        if not all(a == b or 1 in (a, b) for a, b in pairs):
            return
        fix, size = "", (*lead, *shape)
        if prod(given) == prod(shape):
            fix = f", write target.reshape{size}"
        elif len(given) <= len(shape) and all(a in (1, b) for a, b in pairs):
            fix = f", write target.expand{size}"
        raise LayerError(
            self, f"expected {expected}, got {describe_shape(target)}; nothing is broadcast{fix}"
        )


class ReducedLoss(Loss, ABC):
    """A loss ℓ of each element or sample, and the ``reduction`` of them all to L.

    "mean": L = Σ ℓ / n        "sum": L = Σ ℓ        "none": L = ℓ

    dL/dℓ = g / n, g, g. Raises ValueError for another reduction.
    """

    reductions: tuple[str, ...] = ("none", "mean", "sum")

    def __init__(self, reduction: str = "mean") -> None:
        if reduction not in self.reductions:
            known = ", ".join(map(repr, self.reductions))
            raise ValueError(f"reduction is one of {known}, got {reduction!r}")
        self.reduction = reduction

    def _mean_divisor(self, losses: Tensor) -> int:
        """n, of one replica."""
        return losses.numel() // (self.replicas or 1)

    def _reduce(
        self, losses: Tensor, rule: BackwardFn, sample_weights: Tensor | None = None
    ) -> tuple[Tensor, BackwardFn]:
        """L and its rule, from ℓ and the rule that takes dL/dℓ to dL/doutput.

        That rule is given a tensor that broadcasts to ℓ. Where samples count by their weights, n
        is the sum of these; where that is 0, L is 0 / 0 and has no gradient.
        """
        if self.reduction == "none":
            return losses, rule
        value = self._sum_per_replica(losses)
        axes = (1,) * (losses.dim() - value.dim())
        if self.reduction == "sum":
            return value, lambda g: rule(g.reshape(g.shape + axes))
        if sample_weights is None:
            n = self._mean_divisor(losses) or nan
            return value / n, lambda g: rule((g / n).reshape(g.shape + axes))
        total = self._sum_per_replica(sample_weights)

        def mean_rule(g: Tensor) -> Tensor:
            share = (g / total).masked_fill(total == 0, 0)
            dx: Tensor = rule(share.reshape(share.shape + axes))
            return dx

        return value / total, mean_rule

    def _sum_per_replica(self, x: Tensor) -> Tensor:
        """Σ over all axes but the replicas."""
        axes = tuple(range(self.num_replica_dims, x.dim()))
        return x.sum(axes) if axes else x


class ElementwiseLoss(ReducedLoss, ABC):
    """A loss of each element: output and target have one shape and one dtype.

    Raises LayerError where they differ: nothing is broadcast but one target for all replicas.
    """

    @abstractmethod
    def losses(self, o: Tensor, t: Tensor) -> tuple[Tensor, BackwardFn]:
        """Return ℓ and the rule g → g dℓ/do."""

    def forward(self, output: Tensor, target: Tensor) -> tuple[Tensor, BackwardFn]:
        self._check_output(output)
        self._check_target(target, output.shape[self.num_replica_dims :], like=output)
        return self._reduce(*self.losses(output, target))


def combine_batches(batches: Sequence[Sequence[LossTerm]]) -> Tensor:
    """The loss of all batches, of the terms of each        (K,) or ()"""
    total: Tensor | float = 0.0
    for terms in zip(*batches, strict=True):
        values, weights = torch.stack([term.value for term in terms]), None
        if terms[0].weight is not None:
            weights = torch.stack([torch.as_tensor(term.weight) for term in terms])
        total = total + combine_values(values, weights)
    return torch.as_tensor(total)


def sum_counted(terms: Sequence[LossTerm]) -> Tensor:
    """The loss of one batch, but for terms in which none of its samples counts: those are 0 / 0."""
    parts = [
        value.masked_fill(weight == 0, 0) if isinstance(weight, Tensor) else value
        for value, weight in terms
    ]
    return sum(parts[1:], parts[0])


def combine_values(values: Tensor, weights: Tensor | None) -> Tensor:
    """Σ w L / Σ w over the batches, Σ L without weights        values (batches, K) or (batches,)

    weights (batches,), (batches, 1) or as the values. Of a batch that counts nothing the value is a
    sum, as it is in a ``LossTerm``. Summed in float64, one after the other, so that a sum does not
    depend on how many there are side by side.
    """
    total = values.to("cpu", torch.float64)
    if weights is not None:
        weights = weights.to("cpu", torch.float64).reshape(len(values), *[-1] * (values.dim() - 1))
        total = torch.where(weights == 0, total, weights * total)
        return (total.cumsum(0)[-1] / weights.sum(0)).to(values)
    return total.cumsum(0)[-1].to(values)


def find_losses(criterion: Loss) -> Iterator[Loss]:
    """A loss, and those that it is made of."""
    yield criterion
    for value in vars(criterion).values():
        for inner in value.values() if isinstance(value, dict) else [value]:
            if isinstance(inner, Loss):
                yield from find_losses(inner)
