"""Tensors by name, copied into the parameters and buffers of a net."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from chainrule._util.kinds import describe_object
from chainrule._util.words import count_noun
from chainrule.nn.errors import describe_shape
from chainrule.nn.parameter import Buffer

__all__ = ["LoadResult", "copy_state"]

MAX_LISTED = 6
"""So many names of a kind are listed of a state that does not fit."""


class LoadResult(NamedTuple):
    """What ``load_state_dict(strict=False)`` passed over."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def copy_state(
    label: str,
    target: Mapping[str, Buffer],
    state: Any,
    strict: bool,
    rename: str | None,
) -> LoadResult:
    """Copy the tensors of ``state`` into the target's, by name or, renamed, by their order.

    Raises ValueError, and changes nothing, where a shape is wrong or (``strict``) where a name is
    missing or not known; the message lists what is wrong, for the module of this label. TypeError
    for what is no mapping.
    """
    if not isinstance(state, Mapping):
        what = describe_object(state)
        raise TypeError(f"state: expected tensors by name, as state_dict() gives, got {what}")
    if rename not in (None, "order"):
        raise ValueError(f"rename: expected None or 'order', got {rename!r}")
    given = state if rename is None else rename_by_order(label, target, state)
    missing = [name for name in target if name not in given]
    unexpected = [name for name in given if name not in target]
    common = [name for name in target if name in given]
    misshapen = [
        f"{name}: expected shape {expected}, got {got}"
        for name in common
        if (got := describe_shape(given[name])) != (expected := describe_shape(target[name].data))
    ]
    problems = [f"missing: {list_first(missing)}"] if strict and missing else []
    problems += [f"unexpected: {list_first(unexpected)}"] if strict and unexpected else []
    problems += [list_first(misshapen, "; ")] if misshapen else []
    if problems:
        hint = suggest_order(target, state) if rename is None else ""
        raise ValueError(f"state_dict does not fit {label}: {'; '.join(problems)}{hint}")
    for name in common:
        target[name].data.copy_(given[name])
    return LoadResult(missing, unexpected)


def rename_by_order(
    label: str, target: Mapping[str, Buffer], state: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The tensors by the target's names, the first by the first. Raises ValueError for others."""
    if len(state) != len(target):
        raise ValueError(
            f"state_dict does not fit {label}: in order of {count_noun(len(target), 'tensor')}, "
            f"got {len(state)}"
        )
    return dict(zip(target, state.values(), strict=True))


def suggest_order(target: Mapping[str, Buffer], state: Mapping[str, Tensor]) -> str:
    """``; the shapes fit in order: …`` where only the names are others."""
    shapes = [describe_shape(buffer.data) for buffer in target.values()]
    if shapes != [describe_shape(tensor) for tensor in state.values()]:
        return ""
    return '; all shapes fit in order: load_state_dict(state, rename="order")'


def list_first(items: Sequence[str], separator: str = ", ") -> str:
    """The items, or the first of many and how many more there are."""
    more = len(items) - MAX_LISTED
    shown = separator.join(items[:MAX_LISTED])
    return shown if more <= 0 else f"{shown} and {more} more"
