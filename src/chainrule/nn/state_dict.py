"""Tensors by name, copied into the parameters and buffers of a net."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from chainrule.nn.errors import describe_shape
from chainrule.nn.parameter import Buffer

__all__ = ["LoadResult", "copy_state"]


class LoadResult(NamedTuple):
    """What ``load_state_dict(strict=False)`` passed over."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def copy_state(
    label: str, target: Mapping[str, Buffer], state: Mapping[str, Tensor], strict: bool
) -> LoadResult:
    """Copy the tensors of ``state`` into the target's, by name.

    Raises ValueError, and changes nothing, where a shape is wrong or (``strict``) where a name is
    missing or not known; the message lists them all, for the module of this label.
    """
    missing = [name for name in target if name not in state]
    unexpected = [name for name in state if name not in target]
    common = [name for name in target if name in state]
    problems = [f"missing: {', '.join(missing)}"] if strict and missing else []
    problems += [f"unexpected: {', '.join(unexpected)}"] if strict and unexpected else []
    for name in common:
        expected, got = describe_shape(target[name].data), describe_shape(state[name])
        if got != expected:
            problems.append(f"{name}: expected shape {expected}, got {got}")
    if problems:
        raise ValueError(f"state_dict does not fit {label}: " + "; ".join(problems))
    for name in common:
        target[name].data.copy_(state[name])
    return LoadResult(missing, unexpected)
