"""CTCLoss: labels in their order, without being told at which steps they stand.

T steps, N samples, C classes, one of which is the blank; S labels a sample, and S' = 2 S + 1
states: the labels, with a blank before, between and after them. A path reads one class a step, and
stays in its state or goes on. o is the output, t the target, ℓ the loss of one sample, g = dL/dℓ;
… is the replica axis K, or 1 for a target of all replicas, or nothing in a plain net.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any, NamedTuple, TypeAlias, final

import torch
from torch import Tensor

from chainrule.nn.errors import LayerError, describe_shape
from chainrule.nn.loss.base import ReducedLoss
from chainrule.nn.vjp import BackwardFn

__all__ = ["CTCLoss"]

Lengths: TypeAlias = Tensor | Sequence[int] | int


class LabelSequences(NamedTuple):
    """A target as it is computed with."""

    classes: Tensor  # (…, N, S) int64, blank from where a sample has no more
    lengths: Tensor  # (…, N) how many labels a sample has
    steps: Tensor  # (…, N) how many of the T steps count


class States(NamedTuple):
    """What a path may be in."""

    classes: Tensor  # (…, N, S') int64, what each state reads
    skips: Tensor  # (…, N, S') bool, whether it is reached from two states before too
    ends: Tensor  # (…, N, S') bool, whether a path may end there


@final
class CTCLoss(ReducedLoss):
    """ℓ = −log Σ_π Π_τ p_τ(π_τ),  p = eᵒ, over all paths π that read t        o (T, N, C) or (T, C)

    α_τ(s) is the logarithm of what all paths in state s at step τ have made so far, β_τ(s) of what
    they will make after it:   ℓ = −log Σₛ e^(α_τ(s) + β_τ(s)) at every step,
    ∂ℓ/∂o_τ(c) = −Σ e^(α_τ(s) + β_τ(s) + ℓ) over the states s that read c

    o are log-probabilities, (N, T, C) with ``batch_first``. The target is (N, S) or (S,), classes
    int64, of which a sample has those before its first ``blank``; or a tuple (targets,
    input_lengths, target_lengths) as torch's call has them, in which the targets may also be one
    sample after the other (ΣS,). The "mean" is that of ℓ / S. Where no path reads t, ℓ is infinite,
    or with ``zero_infinity`` 0 without a gradient. Raises LayerError for other shapes and dtypes,
    for a label that is blank or no class, and for lengths that there are not.

    Graves, Fernández, Gomez and Schmidhuber, Connectionist temporal classification, 2006.
    """

    def __init__(
        self,
        blank: int = 0,
        reduction: str = "mean",
        zero_infinity: bool = False,
        *,
        batch_first: bool = False,
    ) -> None:
        super().__init__(reduction)
        self.blank, self.zero_infinity, self.batch_first = blank, zero_infinity, batch_first

    def __call__(self, output: Any, target: Any, *lengths: Lengths) -> Tensor:
        """Return the value for (output, target), or with both lengths apart, as torch has them."""
        return super().__call__(output, (target, *lengths) if lengths else target)

    def forward(self, output: Tensor, target: Any) -> tuple[Tensor, BackwardFn]:
        self._check_output(output, "N, T, C" if self.batch_first else "T, N, C", least=2)
        lone = output.dim() == self.num_replica_dims + 2
        o = self._put_time_first(output, lone)
        labels = self._read_target(target, o, lone)
        states = make_states(labels, self.blank)
        index = states.classes.expand(*o.shape[:-1], states.classes.shape[-1])
        read = o.gather(-1, index)  # (T, …, N, S')
        alpha = sum_paths_before(read, states, labels.steps)
        losses = -alpha[-1].masked_fill(~states.ends, -inf).logsumexp(-1)
        nothing, something = labels.steps == 0, labels.lengths > 0
        losses = losses.masked_fill(nothing, 0).masked_fill(nothing & something, inf)
        impossible = losses == inf
        share = labels.lengths.clamp(min=1) if self.reduction == "mean" else 1

        def rule(g: Tensor) -> Tensor:
            g = (g.unsqueeze(-1) if lone else g) / share
            beta = sum_paths_after(read, states, labels.steps)
            paths = (alpha + beta + losses.unsqueeze(-1)).exp()
            unread = ~count_up(len(o), labels.steps)
            if self.zero_infinity:
                unread = unread | impossible
            do = (-g.unsqueeze(-1) * paths).masked_fill(unread.unsqueeze(-1), 0)
            return self._restore(torch.zeros_like(o).scatter_add_(-1, index, do), lone)

        each = losses.masked_fill(impossible, 0) if self.zero_infinity else losses
        each = each / share
        return self._reduce(each.squeeze(-1) if lone else each, rule)

    def batch_weight(self, output: Any, target: Any) -> Tensor | float | None:
        """The number of its samples."""
        if self.reduction == "sum":
            return None
        lone = output.dim() == self.num_replica_dims + 2
        return 1 if lone else output.shape[self.num_replica_dims + (not self.batch_first)]

    def _put_time_first(self, output: Tensor, lone: bool) -> Tensor:
        """o (T, …, N, C)"""
        n = self.num_replica_dims
        if not output.shape[-1] > self.blank >= 0 or output.dim() > n + 3:
            expected = f"one step of {self.blank + 1} or more classes, the blank is {self.blank}"
            raise LayerError(self, f"expected at least {expected}; got {describe_shape(output)}")
        o = output.unsqueeze(-2) if lone else output
        o = o.movedim(n + (self.batch_first and not lone), 0)
        if not len(o):
            raise LayerError(self, f"expected at least one step, got {describe_shape(output)}")
        return o

    def _restore(self, do: Tensor, lone: bool) -> Tensor:
        """As the output was given."""
        do = do.movedim(0, self.num_replica_dims + (self.batch_first and not lone))
        return do.squeeze(-2) if lone else do

    def _read_target(self, target: Any, o: Tensor, lone: bool) -> LabelSequences:
        """The target of outputs (T, …, N, C). Raises LayerError where it does not fit them."""
        several = isinstance(target, tuple | list)
        if several and len(target) != 3:
            expected = "classes, or (targets, input_lengths, target_lengths)"
            raise LayerError(self, f"expected {expected}, got {describe_shape(target)}")
        classes, steps, lengths = target if several else (target, len(o), None)
        one_by_one = self._check_classes(classes, o, lone, apart=not several)
        classes = classes.unsqueeze(-2) if lone else classes
        if lengths is None:
            lengths = (classes != self.blank).cumprod(-1).sum(-1)
        lengths = self._read_lengths("target_lengths", lengths, classes.shape[-1], o, lone)
        steps = self._read_lengths("input_lengths", steps, len(o), o, lone)
        if one_by_one:
            classes = self._separate(classes, lengths)
        counted = count_up(classes.shape[-1], lengths).movedim(0, -1)
        if o.device.type == "cpu":  # elsewhere a look would make every step wait
            self._check_labels(classes.masked_select(counted), o.shape[-1])
        return LabelSequences(classes.masked_fill(~counted, self.blank), lengths, steps)

    def _check_classes(self, classes: Any, o: Tensor, lone: bool, *, apart: bool) -> bool:
        """Whether the targets stand one after the other. Raises LayerError for other shapes."""
        n = self.num_replica_dims
        width = tuple(classes.shape[-1:]) if isinstance(classes, Tensor) else ()
        one_by_one = not apart and not lone and len(width) == 1 and classes.dim() == n + 1
        samples = () if lone or one_by_one else (o.shape[-2],)
        self._check_target(classes, (*samples, *width), "target classes")
        if classes.dtype != torch.int64 or classes.device != o.device:
            expected = f"expected classes of torch.int64 on {o.device}"
            raise LayerError(self, f"{expected}, got {classes.dtype} on {classes.device}")
        return one_by_one

    def _read_lengths(self, name: str, given: Any, most: int, o: Tensor, lone: bool) -> Tensor:
        """The lengths of the samples (…, N)"""
        n, N = self.num_replica_dims, o.shape[-2]
        lengths = torch.as_tensor(given, device=o.device)
        if not isinstance(given, Tensor):
            lengths = lengths[(None,) * n]
        if lengths.dim() == n and (lone or isinstance(given, int)):
            lengths = lengths.unsqueeze(-1).expand(*lengths.shape, N)
        fits = lengths.shape[n:] == (N,) and lengths.shape[:n] in ((), (1,), (self.replicas,))
        if not fits or lengths.is_floating_point() or lengths.dtype == torch.bool:
            got = describe_shape(lengths, dtype=True)
            raise LayerError(self, f"expected {name} ({N},) of whole numbers, got {got}")
        if lengths.device.type == "cpu" and lengths.numel():
            low, high = map(int, lengths.aminmax())
            if low < 0 or high > most:
                wrong = low if low < 0 else high
                raise LayerError(self, f"expected {name} from 0 to {most}, got {wrong}")
        return lengths.long()

    def _separate(self, classes: Tensor, lengths: Tensor) -> Tensor:
        """Targets that stand one after the other (…, ΣS) as (…, N, S)."""
        if (lengths.sum(-1) != classes.shape[-1]).any():
            raise LayerError(
                self,
                f"expected target_lengths that add up to the {classes.shape[-1]} targets, got "
                f"{lengths.sum(-1).tolist()}",
            )
        places = count_up(int(lengths.max()) if lengths.numel() else 0, lengths).movedim(0, -1)
        rows = classes.new_full(places.shape, self.blank)
        return rows.masked_scatter_(places, classes.expand(*lengths.shape[:-1], -1))

    def _check_labels(self, labels: Tensor, C: int) -> None:
        """Raise LayerError for one that is blank or no class."""
        wrong = labels[(labels < 0) | (labels >= C) | (labels == self.blank)]
        if len(wrong):
            right = f"from 0 to {C - 1} that are not blank ({self.blank})"
            raise LayerError(self, f"expected classes {right}, got {wrong[0]}")


def count_up(size: int, lengths: Tensor) -> Tensor:
    """Whether place i of so many is below a sample's length (size, …, N)."""
    places = torch.arange(size, device=lengths.device)
    return places.reshape(-1, *[1] * lengths.dim()) < lengths


def make_states(labels: LabelSequences, blank: int) -> States:
    """The labels, a blank before, between and after them."""
    classes, lengths = labels.classes, labels.lengths.unsqueeze(-1)
    size = 2 * classes.shape[-1] + 1
    states = classes.new_full((*classes.shape[:-1], size), blank)
    states[..., 1::2] = classes
    skips = torch.zeros_like(states, dtype=torch.bool)
    skips[..., 3::2] = classes[..., 1:] != classes[..., :-1]  # between two equal ones is a blank
    place = torch.arange(size, device=classes.device)
    return States(states, skips, (place == 2 * lengths) | (place == 2 * lengths - 1))


def sum_paths_before(read: Tensor, states: States, steps: Tensor) -> Tensor:
    """α (T, …, N, S'); of a sample that is at its end the last one, again and again

    α_τ(s) = o_τ(s) + log Σ e^α_τ₋₁ over s, s − 1 and, where it skips a blank, s − 2
    """
    first = torch.arange(read.shape[-1], device=read.device) < 2
    alpha = [read[0].masked_fill(~first, -inf)]
    for step in range(1, len(read)):
        a = alpha[-1]
        skip = shift_states(a, 2).masked_fill(~states.skips, -inf)
        sums = torch.stack([a, shift_states(a, 1), skip]).logsumexp(0)
        alpha.append(torch.where(step < steps.unsqueeze(-1), read[step] + sums, a))
    return torch.stack(alpha)


def sum_paths_after(read: Tensor, states: States, steps: Tensor) -> Tensor:
    """β (T, …, N, S'); from a sample's end on that of the end: 0, or −∞ where no path ends

    β_τ₋₁(s) = log Σ e^(o_τ + β_τ) over s, s + 1 and, where it skips a blank, s + 2
    """
    end = torch.zeros_like(read[0]).masked_fill(~states.ends, -inf)
    beta = [end]
    for step in range(len(read) - 1, 0, -1):
        b = read[step] + beta[-1]
        skip = shift_states(b.masked_fill(~states.skips, -inf), -2)
        sums = torch.stack([b, shift_states(b, -1), skip]).logsumexp(0)
        beta.append(torch.where(step < steps.unsqueeze(-1), sums, end))
    return torch.stack(beta[::-1])


def shift_states(x: Tensor, by: int) -> Tensor:
    """x(s − by), −∞ where there is no such state        x (…, S')"""
    moved, n = torch.full_like(x, -inf), max(0, x.shape[-1] - abs(by))
    if by > 0:
        moved[..., by:] = x[..., :n]
    else:
        moved[..., :n] = x[..., -by:]
    return moved
