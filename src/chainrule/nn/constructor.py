"""A module or a loss as its constructor's call: for its repr, its label in errors, and files.

It rests on one convention: a constructor's argument is kept as an attribute of the same name.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from torch import Tensor

__all__ = ["constructor_args", "label"]


def constructor_args(built: object) -> Iterator[tuple[inspect.Parameter, Any]]:
    """The constructor's parameters with the values that would build such an object again.

    Where a name holds a Parameter or None instead of a bool (``bias``), the argument was whether
    there is one. An argument that was not kept is passed over.
    """
    for parameter in inspect.signature(type(built)).parameters.values():
        if hasattr(built, parameter.name) and parameter.name not in ("device", "dtype"):
            value = getattr(built, parameter.name)
            if isinstance(parameter.default, bool) and not isinstance(value, bool):
                value = value is not None
            yield parameter, value


def label(built: object) -> str:
    """Class and arguments in one line, without those that have their default."""
    arguments = []
    for parameter, value in constructor_args(built):
        if parameter.default is parameter.empty:
            arguments.append(short_repr(value))
        elif isinstance(value, Tensor) or value != parameter.default:
            arguments.append(f"{parameter.name}={short_repr(value)}")
    return f"{type(built).__name__}({', '.join(arguments)})"


def short_repr(value: Any) -> str:
    """An argument; of a tensor only its shape."""
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{name!r}: {short_repr(item)}" for name, item in value.items()) + "}"
        )
    return f"tensor{tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
