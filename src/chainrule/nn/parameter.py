"""What a module holds: parameters, which are learned, and buffers, which are not."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, Self, final

import torch
from torch import Tensor

from chainrule.nn.torch_names import TorchNames

if TYPE_CHECKING:
    from chainrule.nn.init import Initializer

__all__ = ["Buffer", "ModuleParameters", "Parameter", "next_age"]

_ages = count(1)


def next_age() -> int:
    """A number above all before it: what of two things in this process was made first."""
    return next(_ages)


class Buffer(TorchNames):
    """A tensor that belongs to a module's state but is not learned (a running mean).

    ``data`` gains a leading axis K when its net is replicated.
    """

    def __init__(self, data: Tensor) -> None:
        self.data = data

    @property
    def shape(self) -> torch.Size:
        """The shape of ``data``, with the replicas'."""
        return self.data.shape

    def _say_where(self, name: str) -> str:
        held = f"{type(self).__name__.lower()}.data.{name}"
        return f"its tensor has it: {held}" if hasattr(Tensor, name) else ""

    def __getstate__(self) -> dict[str, Any]:
        """Its own numbers alone, where ``data`` is a view of more."""
        return {**vars(self), "data": self.data.clone()}

    def numel(self) -> int:
        """How many numbers ``data`` holds."""
        return self.data.numel()

    def map(self, f: Callable[[Tensor], Tensor]) -> None:
        """Replace the tensor by ``f`` of it."""
        self.data = f(self.data)

    def __repr__(self) -> str:
        shape, dtype = tuple(self.data.shape), self.data.dtype
        return f"{type(self).__name__}({shape}, {dtype}, {self.data.device})"


class Parameter(Buffer):
    """A learned tensor ``data`` and its gradient ``grad``, of the same shape.

    Sharing is by reference: ``b.weight = a.weight`` ties two layers. Chain rules *add* to
    ``grad`` in place; ``zero_grad`` clears it. ``init`` is how the values are drawn anew, None
    where the tensor was given: then there is nothing to draw and the values stay.
    """

    def __init__(self, data: Tensor, init: Initializer | None = None) -> None:
        super().__init__(data)
        self._grad = torch.zeros_like(data)
        self.init = init
        self.age = next_age()

    @property
    def grad(self) -> Tensor:
        """The gradient so far, of the shape of ``data``; None in its place clears it."""
        return self._grad

    @grad.setter
    def grad(self, grad: Tensor | None) -> None:
        if grad is None:
            self._grad.zero_()
        else:
            self._grad = grad

    def __getstate__(self) -> dict[str, Any]:
        """Without the gradient: as in torch, one that was pickled has none, which is 0.

        Without its age too, which is of this process: a copy is older than all that is made.
        """
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in ("_grad", "age")}

    def __setstate__(self, values: dict[str, Any]) -> None:
        vars(self).update(values)
        self._grad, self.age = torch.zeros_like(self.data), 0

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A copy in the same process has the gradient too."""
        other = copy.copy(self)
        other.grad, other.init = self.grad.clone(), copy.deepcopy(self.init, memo)
        return other

    @classmethod
    def draw(cls, shape: Sequence[int], init: Initializer) -> Parameter:
        """A parameter of this shape with values from ``init`` and torch's global generator."""
        return cls(init(tuple(shape)), init)

    def map(self, f: Callable[[Tensor], Tensor]) -> None:
        """Replace data and gradient by ``f`` of each."""
        self.data, self.grad = f(self.data), f(self.grad)

    def redraw(self, *generators: torch.Generator | None, replicas: int | None = None) -> None:
        """Draw the values anew, in place: from one generator, or from one for each replica."""
        if self.init is None:
            return
        rows = [self.data] if replicas is None else list(self.data)
        for row, generator in zip(rows, generators, strict=True):
            row.copy_(self.init(tuple(row.shape), generator))


@final
class ModuleParameters(Iterator["Parameter"]):
    """The parameters of a module, one after the other; whom they are given to knows of whom."""

    def __init__(self, module: Any, parameters: Iterable[Parameter]) -> None:
        self.module, self._left = module, iter(parameters)

    def __next__(self) -> Parameter:
        return next(self._left)
