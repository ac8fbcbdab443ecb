"""The conformance table: one row a way to use a layer; every cross-cutting test runs them all.

To add a layer, add a row for each of its forms to the file of its family.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from chainrule import nn

if TYPE_CHECKING:
    from collections.abc import Callable


def odd(*shape: int, seed: int = 0) -> Tensor:
    """Numbers in [−2, 2], in float64, none of them near zero or near another: no kinks, no ties."""
    n = int(torch.tensor(shape).prod()) if shape else 1
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed)).double()
    size = 0.15 + 1.7 * (order + 0.5) / n
    return (size * (1 - 2 * (order % 2))).reshape(shape)


@dataclass(frozen=True)
class Case:
    """A layer, an input for it, and what it must agree with."""

    name: str
    make: Callable[[], nn.Module]
    shape: tuple[int, ...] = ()
    twin: Callable[[], torch.nn.Module] | None = None
    """The torch.nn module that it must equal; None where torch has none."""
    input: Callable[[int], Any] | None = None
    """seed -> input, where it is not one tensor odd(*shape, seed=seed)."""
    integer: bool = False
    """Whether the input is of whole numbers: then it has no gradient."""
    random: bool = False
    """Whether a training forward draws random numbers."""
    keeps_shape: bool = field(default=False)
    """Whether it can be used twice in a chain."""
    adds_constants: bool = False
    """Whether there are entries in its output that depend on no input."""

    def x(self, seed: int = 0) -> Any:
        """An input, the same for the same seed."""
        return self.input(seed) if self.input else odd(*self.shape, seed=seed)

    def __str__(self) -> str:
        return self.name


def same(
    name: str, *args, shape, keeps_shape=False, random=False, adds_constants=False, **kwargs
) -> Case:
    """A row whose constructor and twin have the same name and arguments."""
    shown = ", ".join([*map(str, args), *(f"{k}={v}" for k, v in kwargs.items())])
    return Case(
        f"{name}({shown}) {shape}",
        lambda: getattr(nn, name)(*args, **kwargs),
        shape,
        lambda: getattr(torch.nn, name)(*args, **kwargs),
        keeps_shape=keeps_shape,
        random=random,
        adds_constants=adds_constants,
    )
