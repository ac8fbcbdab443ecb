"""What calls hand out: tensors that carry what they stem from, through all that is computed of it.

An output and a gradient know of which calls they came, so that no gradient is taken at the points
of another call. An output and a loss's value know that they have no graph to go back through, and
say what to write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple, Self, TypeAlias, final
from weakref import ref

import torch
from torch import Tensor

from chainrule._util.pytree import named_leaves, tree_map

__all__ = [
    "Calls",
    "find_calls",
    "find_gradient_tags",
    "next_call",
    "tag_gradient",
    "tag_output",
    "tag_value",
    "to_plain",
]

Calls: TypeAlias = Mapping[int, Any]
"""Number of a call → weak reference to its module; to None, a call that came after the output."""

MOST_CALLS = 64
"""What came of more calls than these knows of the last ones."""

_numbers = count(1)


def next_call() -> int:
    """The number of a call of a module or a loss, above all before it."""
    return next(_numbers)


class Tag(NamedTuple):
    """What a tensor comes from, in words, and the calls that it came of.

    Of a gradient these are the calls that its value came of: what it is the gradient at.
    """

    words: str
    calls: Calls
    is_gradient: bool = False

    def belongs_to(self, module: object, number: int) -> bool:
        """Whether it may be of the output of this call: of another module it may be any."""
        for other, owner in self.calls.items():
            if owner is None:
                if other < number:
                    return False
            elif owner() is module and other != number:
                return False
        return True


def merge_tags(tags: Sequence[Tag]) -> Tag:
    """The tag of what was computed from tensors with these: a gradient, if one was among them."""
    tags = [tag for tag in tags if tag.is_gradient] or tags
    return tags[0]._replace(calls=merge_calls(tag.calls for tag in tags))


def merge_calls(found: Iterable[Calls]) -> dict[int, Any]:
    """All of them, or the last."""
    merged = {number: owner for calls in found for number, owner in calls.items()}
    return merged if len(merged) <= MOST_CALLS else dict(sorted(merged.items())[-MOST_CALLS:])


def tag_output(y: Any, module: object, number: int, inputs: Mapping[str, Calls]) -> Any:
    """y as what this call of the module gave, of inputs that came of other calls."""
    others = merge_calls(inputs.values())
    calls = {n: owner for n, owner in others.items() if owner() is not module}
    tag = Tag(f"the output of {type(module).__name__}", {**calls, number: ref(module)})
    return tree_map(lambda t: TaggedTensor.wrap(t, tag) if t.is_floating_point() else t, y)


def tag_value(value: Tensor, loss: str) -> Tensor:
    """The value of a loss, of which this is the label."""
    return TaggedTensor.wrap(value, Tag(f"the value of {loss}", {}))


def tag_gradient(g: Any, calls: Mapping[str, Calls]) -> Any:
    """The gradient at a value, its tensors with the calls that the value's came of, if known."""
    tagged = {
        id(leaf): TaggedTensor.wrap(leaf, Tag("the gradient", calls[name], is_gradient=True))
        for name, leaf in named_leaves(g)
        if name in calls
    }
    return tree_map(lambda leaf: tagged.get(id(leaf), leaf), g) if tagged else g


def find_tags(value: Any) -> Iterator[tuple[str, Tag]]:
    """(name, tag) of each tensor of a value that has one."""
    for name, leaf in named_leaves(value):
        if isinstance(leaf, TaggedTensor):
            yield name, leaf.tag


def find_calls(value: Any) -> dict[str, Calls]:
    """Name → the calls that this tensor of a value came of; of outputs and what is made of them."""
    tags = find_tags(value)
    return {name: tag.calls for name, tag in tags if tag.calls and not tag.is_gradient}


def find_gradient_tags(g: Any) -> list[Tag]:
    """The tags of those tensors that are gradients."""
    return [tag for _, tag in find_tags(g) if tag.is_gradient]


def to_plain(value: Any) -> Any:
    """The same tensors without tags."""
    if next(find_tags(value), None) is None:
        return value
    return tree_map(lambda t: t.as_subclass(Tensor), value)


@final
class TaggedTensor(Tensor):
    """A tensor like any other; numbers computed from it have its tag too, a copy or a file has not.

    A result that is one of the arguments (in place) stays what it was.
    """

    tag: Tag

    @classmethod
    def wrap(cls, t: Tensor, tag: Tag) -> Self:
        """The same numbers with a tag."""
        tagged = t.as_subclass(cls)
        tagged.tag = tag
        return tagged

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        with torch._C.DisableTorchFunctionSubclass():
            result = func(*args, **(kwargs or {}))
        if next(named_leaves(result), None) is None:
            return result
        given = [t for _, t in named_leaves([*args, *(kwargs or {}).values()])]
        tag = merge_tags([t.tag for t in given if isinstance(t, cls)])
        known = {id(t) for t in given}

        def wrap(t: Tensor) -> Tensor:
            return t if id(t) in known or not t.is_floating_point() else cls.wrap(t, tag)

        return tree_map(wrap, result)

    def backward(self, *args: Any, **options: Any) -> None:
        """Raise RuntimeError: the chain rules belong to the loss and to the net.

        Where torch was told to record (``requires_grad_``), go back through what it has recorded.
        """
        if self.requires_grad:
            super().backward(*args, **options)  # type: ignore[no-untyped-call]
            return
        raise RuntimeError(
            f"{self.tag.words} is a tensor without a graph: there is no autograd here. "
            "Write net.backward(criterion.backward()), with criterion(output, target) called "
            "before: the loss gives dL/doutput, and the net takes it further"
        )

    def __deepcopy__(self, memo: Any) -> Tensor:
        return self.as_subclass(Tensor).clone()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.as_subclass(Tensor).__reduce_ex__(protocol)  # type: ignore[no-untyped-call]

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return repr(self.as_subclass(Tensor))

    def __format__(self, spec: str) -> str:
        return format(self.as_subclass(Tensor), spec)
