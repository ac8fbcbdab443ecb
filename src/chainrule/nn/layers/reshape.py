"""Layers that only rearrange: Flatten, Unflatten, Select, Unbind; Item, of several outputs.

Their dimensions are torch's: the replica axis of a cohort does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, final

import torch
from torch import Tensor

from chainrule._util.pytree import named_leaves, tree_map
from chainrule.nn.errors import LayerError, check_input, describe_shape
from chainrule.nn.module import Module
from chainrule.nn.vjp import BackwardFn

__all__ = ["Flatten", "Item", "Select", "Unbind", "Unflatten"]


def resolve_dim(module: Module, x: Tensor, dim: int) -> int:
    """Where torch's dimension ``dim`` of a sample batch stands in x, counted from 0."""

    def fits(x: Tensor) -> bool:
        return -(x.dim() - module.num_replica_dims) <= dim < x.dim() - module.num_replica_dims

    check_input(module, x, f"a tensor that has dimension {dim}", fits, floating=False)
    return dim % (x.dim() - module.num_replica_dims) + module.num_replica_dims


@final
class Flatten(Module):
    """y = x with the axes from ``start_dim`` to ``end_dim`` made one        any shape

    dL/dx = g in the shape of x. Raises LayerError where x has no such axes.
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    @property
    def depends_on_batch(self) -> bool:
        return self.start_dim < 1

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        start, end = resolve_dim(self, x, self.start_dim), resolve_dim(self, x, self.end_dim)
        if start > end:
            raise LayerError(self, f"expected start_dim before end_dim, got {describe_shape(x)}")
        return x.flatten(start, end), lambda g: g.reshape(g.shape[:start] + x.shape[start:])


@final
class Unflatten(Module):
    """y = x with the axis ``dim`` unfolded to ``unflattened_size``        any shape

    dL/dx = g in the shape of x. One size may be −1. Raises LayerError where the sizes do not fit.
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    @property
    def depends_on_batch(self) -> bool:
        return self.dim < 1

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        dim, sizes = resolve_dim(self, x, self.dim), list(self.unflattened_size)
        if -1 in sizes:
            sizes[sizes.index(-1)] = x.shape[dim] // max(1, -prod(sizes))
        if prod(sizes) != x.shape[dim]:
            raise LayerError(self, f"expected dimension {self.dim} to fit, got {describe_shape(x)}")
        y = x.reshape(*x.shape[:dim], *sizes, *x.shape[dim + 1 :])
        return y, lambda g: g.flatten(dim, dim + len(sizes) - 1)


@final
class Select(Module):
    """y = x at ``index`` of the axis ``dim``, which goes        any shape

    dL/dx = g at that index, 0 elsewhere. Raises LayerError where x has no such index.
    """

    def __init__(self, dim: int, index: int) -> None:
        self.dim, self.index = dim, index

    @property
    def depends_on_batch(self) -> bool:
        return self.dim < 1

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        dim, index = resolve_dim(self, x, self.dim), self.index
        if not -x.shape[dim] <= index < x.shape[dim]:
            raise LayerError(
                self, f"expected {index} to be on dimension {self.dim}, got {describe_shape(x)}"
            )

        def backward(g: Tensor) -> Tensor:
            dx = g.new_zeros(g.shape[: self.num_replica_dims] + x.shape[self.num_replica_dims :])
            dx.select(dim, index).copy_(g)
            return dx

        return x.select(dim, index), backward


@final
class Unbind(Module):
    """yᵢ = x at index i of the axis ``dim``, which goes        y: a tuple of all of them

    dL/dx = the gᵢ side by side. What Parallel reads, and a loss that compares outputs. Raises
    LayerError where x has no such axis, or nothing on it.
    """

    def __init__(self, dim: int = 1) -> None:
        self.dim = dim

    @property
    def depends_on_batch(self) -> bool:
        return self.dim < 1

    def forward(self, x: Tensor) -> tuple[tuple[Tensor, ...], BackwardFn]:
        dim = resolve_dim(self, x, self.dim)
        if not x.shape[dim]:
            raise LayerError(
                self, f"expected entries on dimension {self.dim}, got {describe_shape(x)}"
            )

        def backward(g: Any) -> Tensor | None:
            has_none = next(named_leaves(g), None) is None  # of class numbers
            return None if has_none else torch.stack([*g], dim)

        return x.unbind(dim), backward


@final
class Item(Module):
    """y = x[key], one of the outputs before it: of a tuple, or by name of a dict

    dL/dx = g there, 0 for the others. ``Item(0)`` after an LSTM is its output at each step. Raises
    LayerError where x has no such item.
    """

    def __init__(self, key: int | str) -> None:
        self.key = key

    def forward(self, x: Any) -> tuple[Any, BackwardFn]:
        if not isinstance(x, tuple | list | dict):
            raise LayerError(self, f"expected a tuple or a dict, got {describe_shape(x)}")
        items = x if isinstance(x, dict) else dict(enumerate(x))
        if self.key not in items:
            raise LayerError(self, f"expected an item {self.key!r}, got {describe_shape(x)}")

        def backward(g: Any) -> Any:
            others = tree_map(torch.zeros_like, {k: v for k, v in items.items() if k != self.key})
            found = {k: g if k == self.key else others[k] for k in items}
            return found if isinstance(x, dict) else tuple(found.values())

        return items[self.key], backward
