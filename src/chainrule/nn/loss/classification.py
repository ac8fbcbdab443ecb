"""Losses of classes: CrossEntropyLoss, NLLLoss.

o is the output, t the target, L the number of classes, N of samples; ℓ is the loss of one
sample, g = dL/dℓ. A class that is not there is noticed on the CPU: elsewhere to look would make
every step wait for the device.
"""

from __future__ import annotations

import copy
from abc import ABC
from typing import NamedTuple, final

import torch
from torch import Tensor

from chainrule._util.words import count_noun
from chainrule.nn.errors import LayerError, describe_shape
from chainrule.nn.loss.base import LossTerm, ReducedLoss, Weights, as_weights
from chainrule.nn.vjp import BackwardFn

__all__ = ["CrossEntropyLoss", "NLLLoss"]


class Labels(NamedTuple):
    """Class indices, ready to gather with, and how much each sample counts."""

    class_index: Tensor  # the target with an axis for the class; 0 where it is ignored
    sample_weights: Tensor | None  # its class's weight, 0 where it is ignored; None: 1 each
    ignore_mask: Tensor | None  # None: not one

    def weigh(self, x: Tensor) -> Tensor:
        """x times the shares, and 0 where ignored whatever x is."""
        x = x if self.sample_weights is None else x * self.sample_weights
        return x if self.ignore_mask is None else x.masked_fill(self.ignore_mask, 0)


class ClassificationLoss(ReducedLoss, ABC):
    """A loss whose target is a class: with class weights, and samples that do not count.

    ``weight`` has one number a class (L,), and the mean is then Σ ℓ / Σ w. A sample whose target
    is ``ignore_index`` has no loss and does not count in the mean.
    """

    def __init__(
        self, weight: Weights = None, *, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction)
        self.weight, self.ignore_index = as_weights("weight", weight), ignore_index

    def _class_axis(self, output: Tensor) -> int:
        """Which axis the classes are on: the only one of a lone sample, else the one after N."""
        self._check_output(output, "N, L, …", least=1)
        axis = self.num_replica_dims + (output.dim() > self.num_replica_dims + 1)
        if not output.shape[axis]:
            raise LayerError(self, f"expected at least one class, got {describe_shape(output)}")
        if self.weight is not None and self.weight.shape != output.shape[axis : axis + 1]:
            raise LayerError(
                self,
                f"expected one class for each weight, got "
                f"{count_noun(output.shape[axis], 'class')} and weights "
                f"{describe_shape(self.weight)}",
            )
        return axis

    def _make_labels(self, output: Tensor, target: Tensor, axis: int) -> Labels:
        shape = output.shape[:axis] + output.shape[axis + 1 :]
        self._check_target(target, shape[self.num_replica_dims :], "class indices")
        if target.dtype != torch.int64 or target.device != output.device:
            raise LayerError(
                self,
                f"expected class indices of torch.int64 on {output.device}, "
                f"got {target.dtype} on {target.device}",
            )
        ignored = self._ignore_mask(target, output.shape[axis])
        index = target if ignored is None else target.masked_fill(ignored, 0)
        shares = None
        if self.weight is not None:
            shares = self.weight.to(output).take(index)
        elif ignored is not None:
            shares = torch.ones_like(target, dtype=output.dtype)
        if shares is not None and ignored is not None:
            shares = shares.masked_fill(ignored, 0)
        return Labels(index.expand(shape).unsqueeze(axis), shares, ignored)

    def batch_weight(self, output: Tensor, target: Tensor) -> Tensor | float | None:
        """What its samples weigh together: those that are ignored nothing."""
        if self.reduction == "sum" or target.is_floating_point():
            return super().batch_weight(output, target)
        counted = target != self.ignore_index
        if self.weight is None:
            return self._sum_per_replica(counted)
        weight = self.weight.to(output).take(target.masked_fill(~counted, 0))
        return self._sum_per_replica(weight.masked_fill(~counted, 0).double())

    def _ignore_mask(self, target: Tensor, L: int) -> Tensor | None:
        """Which samples are ignored, None where not one; raises for a class that is not there."""
        if target.device.type != "cpu":
            return target == self.ignore_index
        low, high = map(int, target.aminmax()) if target.numel() else (0, 0)
        if low >= 0 and high < L and not 0 <= self.ignore_index < L:
            return None
        ignored = target == self.ignore_index
        wrong = target[((target < 0) | (target >= L)) & ~ignored]
        if len(wrong):
            raise LayerError(self, f"expected class indices from 0 to {L - 1}, got {wrong[0]}")
        return ignored


@final
class NLLLoss(ClassificationLoss):
    """ℓ = −w_t o_t        o (N, L, …) or (L,) log-probabilities, t (N, …) or () classes

    dℓ/do = −w_t at t, 0 elsewhere        w: see ``weight``, 1 without

    Raises LayerError for another shape or dtype and for a class that is not there.
    """

    def forward(self, output: Tensor, target: Tensor) -> tuple[Tensor, BackwardFn]:
        axis = self._class_axis(output)
        labels = self._make_labels(output, target, axis)
        losses = labels.weigh(-output.gather(axis, labels.class_index).squeeze(axis))

        def rule(g: Tensor) -> Tensor:
            at_target = labels.weigh(-g).unsqueeze(axis).expand(labels.class_index.shape)
            return torch.zeros_like(output).scatter_(axis, labels.class_index, at_target)

        return self._reduce(losses, rule, labels.sample_weights)


@final
class CrossEntropyLoss(ClassificationLoss):
    """ℓ = −Σₗ qₗ log pₗ,  p = softmax o        o (N, L, …) or (L,)

    dℓ/do = p Σ q − q; without weights and smoothing p − q

    The target t is the class, int64 (N, …) or (): then q is 1 there and 0 elsewhere; or it is
    the probability of each class, shaped like o: then q = t. ``label_smoothing`` ε turns q into
    (1 − ε) q + ε / L, and ``weight`` w (L,) into w q; the mean is Σ ℓ / Σ w_t, for
    probabilities Σ ℓ / N. Raises LayerError for another shape or dtype, for a class that is not
    there, and for probabilities with an ``ignore_index`` ≥ 0; ValueError unless 0 ≤ ε ≤ 1.
    """

    def __init__(
        self,
        weight: Weights = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, ignore_index=ignore_index, reduction=reduction)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"label_smoothing must be in [0, 1], got {label_smoothing}")
        self.label_smoothing = label_smoothing

    def forward(self, output: Tensor, target: Tensor) -> tuple[Tensor, BackwardFn]:
        axis = self._class_axis(output)
        if isinstance(target, Tensor) and target.is_floating_point():
            self._check_probabilities(output, target)
            return self._forward_probabilities(output, axis, target)
        labels = self._make_labels(output, target, axis)
        if self.label_smoothing:
            q = torch.zeros_like(output).scatter_(axis, labels.class_index, 1)
            return self._forward_probabilities(
                output, axis, q, labels.sample_weights, labels.ignore_mask
            )
        return self._forward_indices(output, axis, labels)

    def split_terms(self, output: Tensor, target: Tensor, value: Tensor) -> list[LossTerm]:
        """Where the classes of all samples weigh 0, what smoothing adds: x of forward's x / 0."""
        (term,) = super().split_terms(output, target, value)
        if self.label_smoothing and isinstance(term.weight, Tensor):
            total = copy.copy(self)
            total.reduction = "sum"
            uncounted = term.weight == 0
            if uncounted.any():
                value = torch.where(uncounted, total.forward(output, target)[0], term.value)
                return [LossTerm(value, term.weight)]
        return [term]

    def _forward_indices(
        self, output: Tensor, axis: int, labels: Labels
    ) -> tuple[Tensor, BackwardFn]:
        """q is w_t at the target: take it there, and nothing need be added up."""
        log_p = log_softmax(output, axis)
        losses = labels.weigh(-log_p.gather(axis, labels.class_index).squeeze(axis))

        def rule(g: Tensor) -> Tensor:
            p = log_p.exp()
            p.scatter_add_(
                axis, labels.class_index, p.new_full((), -1).expand(labels.class_index.shape)
            )
            return p.mul_(labels.weigh(g).unsqueeze(axis))

        return self._reduce(losses, rule, labels.sample_weights)

    def _forward_probabilities(
        self,
        output: Tensor,
        axis: int,
        q: Tensor,
        shares: Tensor | None = None,
        ignored: Tensor | None = None,
    ) -> tuple[Tensor, BackwardFn]:
        """q has every class."""
        log_p = log_softmax(output, axis)
        if self.label_smoothing:
            q = (1 - self.label_smoothing) * q + self.label_smoothing / q.shape[axis]
        if self.weight is not None:
            q = q * broadcast_class_weight(self.weight.to(output), axis, output.dim())
        losses = -(q * log_p).sum(axis)
        if ignored is not None:
            losses = losses.masked_fill(ignored, 0)

        def rule(g: Tensor) -> Tensor:
            g = g if ignored is None else g.masked_fill(ignored, 0)
            return g.unsqueeze(axis) * (log_p.exp() * q.sum(axis, keepdim=True) - q)

        return self._reduce(losses, rule, shares)

    def _check_probabilities(self, output: Tensor, target: Tensor) -> None:
        what = "class indices of torch.int64 or class probabilities"
        self._check_target(target, output.shape[self.num_replica_dims :], what, like=output)
        if self.ignore_index >= 0:
            raise LayerError(self, "expected class indices to ignore one, got probabilities")


def log_softmax(x: Tensor, axis: int) -> Tensor:
    """log (eˣ / Σ eˣ) along ``axis``.

    Along a short or strided last axis it takes a fifth of the time from the other side.
    """
    if axis == x.dim() - 1 > 0 and (x.shape[axis] < 32 or x.stride(axis) > 1):
        return x.mT.log_softmax(-2).mT
    return x.log_softmax(axis)


def broadcast_class_weight(weight: Tensor, axis: int, axes: int) -> Tensor:
    """A weight (L,) with as many axes as the output, its own on the class axis."""
    return weight.reshape(-1, *(1 for _ in range(axis + 1, axes)))
