"""What calls hand out, so that a gradient is never taken at the points of another call.

An output is known by the call that it came of; a loss's value and a gradient are tensors that
carry what they stem from, through all that is computed from them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, NoReturn, Self, TypeAlias, final
from weakref import ref

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from chainrule._util.pytree import named_leaves, tree_map

__all__ = [
    "Calls",
    "Gradient",
    "LossValue",
    "find_calls",
    "next_call",
    "record_output",
    "tag_gradient",
    "to_plain",
]

Calls: TypeAlias = Mapping[int, Any]
"""Number of a call → weak reference to its module; to None, a call that came after the output."""

_numbers = count(1)
_outputs: Any = WeakTensorKeyDictionary()  # output → Calls


def next_call() -> int:
    """The number of a call of a module or a loss, above all before it."""
    return next(_numbers)


def record_output(y: Any, module: object, number: int) -> None:
    """Remember, as long as they live, that the tensors of y came of this call of the module."""
    for _, leaf in named_leaves(y):
        for t in (leaf, leaf._base) if leaf._is_view() else (leaf,):
            others = {n: owner for n, owner in _outputs.get(t, {}).items() if owner() is not module}
            _outputs[t] = {**others, number: ref(module)}


def find_calls(value: Any) -> dict[str, Calls]:
    """Name → the calls that this tensor of a value came of, or is a view of the output of.

    Tensors that are no outputs are left out.
    """
    found = {}
    for name, leaf in named_leaves(value):
        calls = _outputs.get(leaf) or (leaf._is_view() and _outputs.get(leaf._base))
        if calls:
            found[name] = calls
    return found


def tag_gradient(g: Any, calls: Mapping[str, Calls]) -> Any:
    """The gradient at a value, its tensors with the calls that the value's came of, if known."""
    tagged = {
        id(leaf): Gradient.wrap(leaf, calls[name])
        for name, leaf in named_leaves(g)
        if name in calls
    }
    return tree_map(lambda leaf: tagged.get(id(leaf), leaf), g) if tagged else g


def to_plain(value: Any) -> Any:
    """The same tensors without tags."""
    if not any(isinstance(leaf, TaggedTensor) for _, leaf in named_leaves(value)):
        return value
    return tree_map(lambda t: t.as_subclass(Tensor), value)


class TaggedTensor(Tensor):
    """A tensor like any other; what is computed from it has its tag too, a copy or a file has not.

    A result that is one of the arguments (in place) stays what it was.
    """

    tag: Any

    @classmethod
    def wrap(cls, t: Tensor, tag: Any) -> Self:
        """The same numbers with a tag."""
        tagged = t.as_subclass(cls)
        tagged.tag = tag
        return tagged

    @classmethod
    def merge_tags(cls, tags: list[Any]) -> Any:
        """The tag of what was computed from tensors with these."""
        return tags[0]

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        with torch._C.DisableTorchFunctionSubclass():
            result = func(*args, **(kwargs or {}))
        if next(named_leaves(result), None) is None:
            return result
        given = [t for _, t in named_leaves([*args, *(kwargs or {}).values()])]
        tag = cls.merge_tags([t.tag for t in given if isinstance(t, cls)])
        known = {id(t) for t in given}
        return tree_map(lambda t: t if id(t) in known else cls.wrap(t, tag), result)

    def __deepcopy__(self, memo: Any) -> Tensor:
        return self.as_subclass(Tensor).clone()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.as_subclass(Tensor).__reduce_ex__(protocol)  # type: ignore[no-untyped-call]

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return repr(self.as_subclass(Tensor))

    def __format__(self, spec: str) -> str:
        return format(self.as_subclass(Tensor), spec)


@final
class Gradient(TaggedTensor):
    """dL/d of a value, with the calls that the value came of."""

    tag: Calls

    @classmethod
    def merge_tags(cls, tags: list[Calls]) -> Calls:
        return {number: owner for tag in tags for number, owner in tag.items()}

    def belongs_to(self, module: object, number: int) -> bool:
        """Whether it may be that of the output of this call: of another module it may be any."""
        for other, owner in self.tag.items():
            if owner is None:
                if other < number:
                    return False
            elif owner() is module and other != number:
                return False
        return True


@final
class LossValue(TaggedTensor):
    """The value of a loss, with the name of its class."""

    tag: str

    def backward(self, *args: Any, **options: Any) -> NoReturn:
        """Raise RuntimeError: the chain rules belong to the loss and to the net."""
        raise RuntimeError(
            f"the value of {self.tag} is a tensor without a graph: there is no autograd here. "
            "Write net.backward(criterion.backward()): the loss gives dL/doutput, "
            "and the net takes it further"
        )
