"""One module, or two alike, for the two inputs of a pair."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor

from chainrule._util.pytree import leaves
from chainrule.nn.errors import LayerError, check, describe
from chainrule.nn.layers.containers import join, run
from chainrule.nn.module import Module
from chainrule.nn.vjp import ChainRule, Rule, accumulate

__all__ = ["Siamese"]


@final
class Siamese(Module):
    """yᵢ = f(xᵢ), or fᵢ(xᵢ) without sharing        x: a pair (x₁, x₂), or one tensor (N, 2, …)

    dL/dxᵢ = the chain rule of the i-th use; what is shared adds up. Bromley et al., 1993

    y is a pair where x was one, else a tensor (N, 2, …). Without ``share`` there are two modules,
    the one given and a copy of it with a draw of its own. Shared, a module that treats samples
    one by one runs once on a batch twice as long; one that does not (batch normalization) is
    used twice in order, so that its statistics are updated by each branch, or with ``together``
    once, so that they are those of both. Raises ValueError for ``together`` without ``share``,
    LayerError unless there are two inputs, which with ``together`` are one tensor.
    """

    def __init__(self, module: Module, share: bool = True, *, together: bool = False) -> None:
        if together and not share:
            raise ValueError("Siamese: together is for a shared module; expected share=True")
        self.share, self.together = share, together
        self.module = module
        if not share:
            self.other = copy.deepcopy(module)
            for parameter in self.other.parameters():
                parameter.redraw(None)

    def forward(self, x: Any) -> tuple[Any, Rule]:
        if isinstance(x, tuple | list) and not self.together:
            return self._pair(x)
        axis = self.lead + 1

        def fits(x: Tensor) -> bool:
            return x.dim() > axis and x.shape[axis] == 2

        expected = "a tensor (N, 2, …)" if self.together else "a pair, or a tensor (N, 2, …)"
        check(self, x, expected, fits, floating=False)
        if self.together or (self.share and not self.module.mixes_samples):
            return self._together(x, axis)
        y, rule = self._pair(x.unbind(axis))
        whole = join_rule(rule, lambda g: g.unbind(axis), lambda g: torch.stack(g, axis))
        return torch.stack(y, axis), whole

    def _pair(self, x: Sequence[Any]) -> tuple[Any, Rule]:
        if len(x) != 2:
            raise LayerError(self, f"expected a pair of inputs, got {describe(x)}")
        y1, rule1 = run(self, "module", self.module, x[0])
        second = "module" if self.share else "other"
        y2, rule2 = run(self, second, self.module if self.share else self.other, x[1])
        return (y1, y2), join([rule1, rule2], lambda g: g, tuple)

    def _together(self, x: Tensor, axis: int) -> tuple[Tensor, Rule]:
        y, rule = run(self, "module", self.module, x.flatten(axis - 1, axis))

        def split(t: Tensor) -> Tensor:
            return t.reshape(*t.shape[: axis - 1], t.shape[axis - 1] // 2, 2, *t.shape[axis:])

        return split(y), join_rule(rule, lambda g: g.flatten(axis - 1, axis), split)


def join_rule(rule: Rule, before: Rule, after: Rule) -> ChainRule:
    """A rule between two rearrangements of its gradients; None, no gradient, stays None."""

    def backward(g: Any) -> Any:
        dx = rule(before(g))
        return None if next(leaves(dx), None) is None else after(dx)

    return ChainRule(backward, lambda g: accumulate(rule, before(g)))
