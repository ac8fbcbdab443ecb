"""One module, or two alike, for the two inputs of a pair."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor

from chainrule._util.pytree import named_leaves
from chainrule.nn.errors import LayerError, check_input, describe_shape
from chainrule.nn.layers.containers import forward_child, parallel_backward
from chainrule.nn.module import Module
from chainrule.nn.vjp import BackwardFn, ChainRule, accumulate_param_grads

__all__ = ["Siamese"]


@final
class Siamese(Module):
    """yᵢ = f(xᵢ), or fᵢ(xᵢ) without sharing        x: a pair (x₁, x₂), or one tensor (N, 2, …)

    dL/dxᵢ = the chain rule of the i-th use; what is shared adds up. Bromley et al., 1993

    y is a pair where x was one, else a tensor (N, 2, …). Without ``share`` there are two modules,
    the one given and a copy of it with a draw of its own. Shared, a module that treats samples
    one by one runs once on a batch twice as long; one that does not (batch normalization) is
    used twice in order, so that its statistics are updated by each branch, or with ``joint_batch``
    once, so that they are those of both. Raises ValueError for ``joint_batch`` without
    ``share``, LayerError unless there are two inputs, which with ``joint_batch`` are one tensor.
    """

    def __init__(self, module: Module, share: bool = True, *, joint_batch: bool = False) -> None:
        if joint_batch and not share:
            raise ValueError("Siamese: joint_batch is for a shared module; expected share=True")
        self.share, self.joint_batch = share, joint_batch
        self.module = module
        if not share:
            self.other = copy.deepcopy(module)
            for parameter in self.other.parameters():
                parameter.redraw(None)

    def forward(self, x: Any) -> tuple[Any, BackwardFn]:
        if isinstance(x, tuple | list) and not self.joint_batch:
            return self._forward_pair(x)
        axis = self.num_replica_dims + 1

        def fits(x: Tensor) -> bool:
            return x.dim() > axis and x.shape[axis] == 2

        expected = "a tensor (N, 2, …)" if self.joint_batch else "a pair, or a tensor (N, 2, …)"
        check_input(self, x, expected, fits, floating=False)
        if self.joint_batch or (self.share and not self.module.depends_on_batch):
            return self._forward_joint(x, axis)
        y, rule = self._forward_pair(x.unbind(axis))
        stacked = rearranged_backward(
            rule, lambda g: g.unbind(axis), lambda g: torch.stack(g, axis)
        )
        return torch.stack(y, axis), stacked

    def _forward_pair(self, x: Sequence[Any]) -> tuple[Any, BackwardFn]:
        if len(x) != 2:
            raise LayerError(self, f"expected a pair of inputs, got {describe_shape(x)}")
        y1, rule1 = forward_child(self, "module", self.module, x[0])
        name, second = ("module", self.module) if self.share else ("other", self.other)
        y2, rule2 = forward_child(self, name, second, x[1])
        return (y1, y2), parallel_backward([rule1, rule2], lambda g: g, tuple)

    def _forward_joint(self, x: Tensor, axis: int) -> tuple[Tensor, BackwardFn]:
        y, rule = forward_child(self, "module", self.module, x.flatten(axis - 1, axis))

        def split(t: Tensor) -> Tensor:
            return t.reshape(*t.shape[: axis - 1], t.shape[axis - 1] // 2, 2, *t.shape[axis:])

        return split(y), rearranged_backward(rule, lambda g: g.flatten(axis - 1, axis), split)


def rearranged_backward(rule: BackwardFn, before: BackwardFn, after: BackwardFn) -> ChainRule:
    """A rule between two rearrangements of its gradients; None, no gradient, stays None."""

    def backward(g: Any) -> Any:
        dx = rule(before(g))
        return None if next(named_leaves(dx), None) is None else after(dx)

    return ChainRule(backward, lambda g: accumulate_param_grads(rule, before(g)))
