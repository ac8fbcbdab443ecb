"""Is a chain rule right? Its gradients against finite differences of the forward.

The check works on a copy in float64, along single entries and along random directions none of
whose components is zero. Where a function has a kink within the step, the two one-sided
differences disagree, and that comparison is left out and counted.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Generator, Tensor

from chainrule._util.display import html_table
from chainrule._util.kinds import check_kind
from chainrule._util.pytree import named_leaves, tree_map
from chainrule._util.words import count_noun
from chainrule.nn.errors import check_forward
from chainrule.nn.inspect.trace import trace_layers
from chainrule.nn.module import Module
from chainrule.nn.replicated import Replicated
from chainrule.nn.vjp import BackwardFn

if TYPE_CHECKING:
    from chainrule.nn.loss import Loss

__all__ = ["GradReport", "GradRow", "check_layers", "gradcheck"]

STEP_SIZES = (1e-5, 1e-6, 1e-7, 1e-4)
NEGLIGIBLE_ERROR = 1e-8
"""An error that needs no second look."""


class GradRow(NamedTuple):
    """One tensor's gradient: the largest error relative to the gradient's own size."""

    name: str
    error: float
    compared: int
    kinks: int


@dataclass(frozen=True)
class GradReport:
    """The result of a gradcheck: true where every gradient agrees and every rule was kept."""

    label: str
    rows: Sequence[GradRow]
    problems: Sequence[str]
    tolerance: float

    def __bool__(self) -> bool:
        return not self.problems

    @property
    def error(self) -> float:
        """The largest error of all."""
        return max((row.error for row in self.rows), default=0.0)

    def _repr_html_(self) -> str:
        body = [(r.name, f"{r.error:.1e}", str(r.compared), str(r.kinks)) for r in self.rows]
        said = f"{'ok' if self else 'FAIL'} {self.label}: largest error {self.error:.1e}"
        caption = "; ".join([said, *self.problems])
        return html_table(("gradient", "error", "comparisons", "kinks left out"), body, caption)

    def __str__(self) -> str:
        lines = [f"{'ok  ' if self else 'FAIL'} {self.label}: largest error {self.error:.1e}"]
        for row in self.rows:
            kinks = f", {row.kinks} at a kink left out" if row.kinks else ""
            compared = count_noun(row.compared, "comparison")
            lines.append(f"     {row.name}: {row.error:.1e} in {compared}{kinks}")
        return "\n".join([*lines, *(f"     {problem}" for problem in self.problems)])


def gradcheck(
    module: Module | Loss,
    x: Any,
    target: Any = None,
    *,
    tolerance: float = 1e-6,
    entries: int = 40,
    directions: int = 3,
    seed: int = 0,
) -> GradReport:
    """Compare the gradients of a module (or of a loss with its target) with finite differences.

    ``x`` is an input as the module takes it (a tensor, or a tuple or dict of tensors), in any
    floating dtype. Checked besides: the chain rule adds to ``grad`` and does not assign; neither
    ``x`` nor dL/dy is written into; the memory layout of either does not matter. Errors are
    relative to the largest entry of the gradient (or to 1e-3 where that is smaller).

    The report is true where all is well; print it to read it. The module is left as it was.
    """
    check_checkable(module, target)
    checker = _Checker(module, x, target, seed)
    rows = [
        checker.compare(name, tensor, grad, entries, directions)
        for name, tensor, grad in checker.tensors()
    ]
    problems = [
        f"{row.name}: the gradient is off by {row.error:.1e}, tolerance {tolerance:.0e}"
        for row in rows
        if not row.error <= tolerance
    ]
    problems += [f"{row.name}: nothing but kinks" for row in rows if row.kinks and not row.compared]
    label = module.label()
    return GradReport(label, rows, [*problems, *checker.contract_violations()], tolerance)


def check_checkable(function: Any, target: Any) -> None:
    """Raise TypeError unless it is a module, or a loss with a target."""
    if not isinstance(function, Replicated):
        check_kind(function, Module, "gradcheck")
    elif not isinstance(function, Module) and target is None:
        raise TypeError(f"gradcheck: {function.label()} is checked with an output and a target")


def check_layers(net: Module, x: Any) -> list[tuple[str, GradReport]]:
    """(path, report) of each layer at the input that reaches it from x, and of the net as a whole.

    A layer that is used again is checked at each of its uses; the whole stands last, under "".
    """
    uses: list[tuple[str, Any]] = []
    double = copy.deepcopy(net).to("cpu", torch.float64)
    trace_layers(double, tree_map(_to_double, x), lambda path, layer, x, y: uses.append((path, x)))
    layers = dict(double.named_modules())
    reports = [(path, gradcheck(layers[path], x)) for path, x in uses if path]
    return [*reports, ("", gradcheck(net, x))]


class _Checker:
    """L = Σ c ⊙ f(x) with fixed random c, its gradients by the chain rule, its differences."""

    def __init__(self, module: Module | Loss, x: Any, target: Any, seed: int) -> None:
        self.generator = Generator().manual_seed(seed)
        self.rng_state = torch.get_rng_state()
        self.function = copy.deepcopy(module)
        if isinstance(self.function, Module):
            self.function.check_children()
            self.function.to("cpu", torch.float64)
        self.rng_counters = [m.rng_counter for m in self._modules()]
        self.x = tree_map(_to_double, x)
        self.target = () if target is None else (tree_map(_to_double, target),)
        x = tree_map(torch.clone, self.x)
        y, _ = self.forward(self.x)
        self.c = tree_map(self.draw_direction, y)
        self.originals = x, tree_map(torch.clone, self.c)
        self.dx, self.param_grads = self.gradients(self.x, self.c)

    def _modules(self) -> Sequence[Module]:
        return list(self.function.modules()) if isinstance(self.function, Module) else []

    def parameters(self) -> list[tuple[str, Any]]:
        return list(self.function.named_parameters()) if isinstance(self.function, Module) else []

    def forward(self, x: Any) -> tuple[Any, BackwardFn]:
        """f at x, with the same random draws each time."""
        torch.set_rng_state(self.rng_state)
        for m, counter in zip(self._modules(), self.rng_counters, strict=True):
            m.rng_counter = counter
        return check_forward(self.function, self.function.forward(x, *self.target))

    def draw_direction(self, like: Tensor) -> Tensor:
        """Numbers of either sign, none near zero."""
        size = 0.5 + torch.rand(like.shape, generator=self.generator, dtype=torch.float64)
        return size * (1 - 2 * torch.randint(2, like.shape, generator=self.generator))

    def gradients(self, x: Any, c: Any, times: int = 1) -> tuple[Any, list[Tensor]]:
        """dL/dx and the parameters' gradients after ``times`` passes."""
        for _, parameter in self.parameters():
            parameter.grad = torch.zeros_like(parameter.data)
        for _ in range(times):
            dx = self.forward(x)[1](c)
        return dx, [parameter.grad for _, parameter in self.parameters()]

    def tensors(self) -> Iterator[tuple[str, Tensor, Tensor]]:
        """(name, tensor, its gradient) of each floating input and each parameter."""
        gradients = dict(named_leaves(self.dx))
        for name, x in named_leaves(self.x):
            if x.is_floating_point() and name in gradients:
                yield f"input {name}".rstrip(), x, gradients[name]
        for (name, parameter), grad in zip(self.parameters(), self.param_grads, strict=True):
            yield name, parameter.data, grad

    def value(self) -> float:
        """L."""
        y, _ = self.forward(self.x)
        pairs = zip(named_leaves(y), named_leaves(self.c), strict=True)
        return float(sum((a * b).sum() for (_, a), (_, b) in pairs))

    def compare(
        self, name: str, tensor: Tensor, grad: Tensor, entries: int, directions: int
    ) -> GradRow:
        """The gradient of a tensor against differences, along entries and random directions."""
        if tensor.shape != grad.shape and tensor.dim() == grad.dim():
            grad = grad.sum_to_size(tensor.shape)  # one batch for all replicas
        if tensor.shape != grad.shape:
            return GradRow(f"{name}: shape {tuple(grad.shape)}", float("inf"), 0, 0)
        if not tensor.numel():
            return GradRow(name, 0.0, 0, 0)
        scale = max(float(grad.abs().max()), 1e-3)
        worst, compared, kinks = 0.0, 0, 0
        for step in self.draw_steps(tensor, entries, directions):
            error = self.error(tensor, step, float((grad * step).sum()), scale)
            if error is None:
                kinks += 1
            else:
                worst, compared = max(worst, error), compared + 1
        return GradRow(name, worst, compared, kinks)

    def error(self, tensor: Tensor, step: Tensor, exact: float, scale: float) -> float | None:
        """The error of ``exact``, the derivative along a unit step; None at a kink.

        A difference is off where its step is long for the function's curvature or short for the
        rounding; so several are tried, and the best counts: a wrong gradient agrees with none.
        """
        best = float("inf")
        for size in STEP_SIZES:
            before, after = self.one_sided_slopes(tensor, size * step, size)
            off = abs(exact - (after + before) / 2) / scale
            best = min(best, off if off == off else best)
            if best < NEGLIGIBLE_ERROR:
                return best
        # At a kink the two sides differ however short the step; where it is smooth they meet.
        kink = abs(after - before) > 1e-3 * (abs(after) + abs(before) + scale)
        return None if kink else best

    def draw_steps(self, like: Tensor, entries: int, directions: int) -> Iterator[Tensor]:
        """Directions of length 1 to go in: single entries, then random ones."""
        order = torch.randperm(like.numel(), generator=self.generator)
        for index in order[:entries].tolist():
            step = torch.zeros(like.numel(), dtype=torch.float64)
            step[index] = 1
            yield step.reshape(like.shape)
        for _ in range(directions):
            step = self.draw_direction(like)
            yield step / step.norm()

    def one_sided_slopes(self, tensor: Tensor, step: Tensor, size: float) -> tuple[float, float]:
        """The slopes of L to the left and to the right."""
        start, here = tensor.clone(), self.value()
        values = []
        for sign in (-1, 1):
            tensor.copy_(start + sign * step)
            values.append(sign * (self.value() - here) / size)
        tensor.copy_(start)
        return values[0], values[1]

    def contract_violations(self) -> Iterator[str]:
        """What a chain rule must not do, where it was done."""
        found = dict(named_leaves(self.dx))
        for name, x in named_leaves(self.x):
            if x.is_floating_point() and name not in found:
                yield f"input {name}".rstrip() + ": the rule returns no gradient for it"
        _, twice = self.gradients(self.x, self.c, times=2)
        for (name, _), one, two in zip(self.parameters(), self.param_grads, twice, strict=True):
            if not torch.allclose(two, 2 * one, rtol=1e-9, atol=1e-12, equal_nan=True):
                yield f"{name}: two passes do not add up: the gradient is assigned, not added"
        x, c = self.originals
        if not _is_equal(x, self.x, exact=True):
            yield "the input was written into"
        if not _is_equal(c, self.c, exact=True):
            yield "the incoming gradient was written into"
        dx, _ = self.gradients(*tree_map(torch.clone, self.originals))
        (_, rule), _ = (
            self.forward(x),
            self.forward(tree_map(lambda t: t.flip(0) if t.dim() else t, x)),
        )
        if dx is not None and not _is_equal(rule(c), dx):
            yield "another forward changes the gradient: the rule's state is not in its closure"
        other_layout, _ = self.gradients(tree_map(_to_strided, x), tree_map(_to_strided, c))
        if dx is not None and not _is_equal(other_layout, dx):
            yield "the memory layout of the input changes the gradient"


def _to_double(t: Tensor) -> Tensor:
    return t.detach().to("cpu", torch.float64 if t.is_floating_point() else None, copy=True)


def _to_strided(t: Tensor) -> Tensor:
    """The same numbers in a layout with gaps, the axes the other way round."""
    gapped = t.new_zeros([2 * size for size in reversed(t.shape)])
    view = gapped[tuple(slice(None, None, 2) for _ in t.shape)].permute(
        tuple(reversed(range(t.dim())))
    )
    return view.copy_(t)


def _is_equal(a: Any, b: Any, *, exact: bool = False) -> bool:
    compare: Callable[[Tensor, Tensor], bool] = (
        torch.equal if exact else lambda s, t: torch.allclose(s, t, rtol=1e-9, atol=1e-12)
    )
    return all(
        compare(s, t) for (_, s), (_, t) in zip(named_leaves(a), named_leaves(b), strict=True)
    )
