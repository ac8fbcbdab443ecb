"""Whether a value is what a type hint says, and the hint in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from inspect import unwrap
from numbers import Real
from pathlib import Path
from types import NoneType, SimpleNamespace, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

__all__ = [
    "LARGEST",
    "argument_hints",
    "describe_hint",
    "fits_hint",
    "is_plain",
    "is_single",
    "list_kinds",
]

WORDS: dict[Any, tuple[str, str]] = {
    bool: ("true or false", "true or false each"),
    float: ("a number", "numbers"),
    int: ("a whole number", "whole numbers"),
    str: ("a text", "texts"),
}
"""One, and several."""

LARGEST = 2**63
"""A whole number of a tensor is smaller."""


@lru_cache(maxsize=1024)
def argument_hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Argument → its hint; without those that type checkers alone can read."""
    called = unwrap(function.__init__ if isinstance(function, type) else function)  # type: ignore[misc]
    found: dict[str, Any] = {}
    for name, hint in getattr(called, "__annotations__", {}).items():
        with suppress(NameError):
            one = SimpleNamespace(__annotations__={name: hint})
            found |= get_type_hints(one, called.__globals__)
    return found


def fits_hint(value: Any, hint: Any) -> bool:
    """Whether a value is what the hint says; True for a hint that says nothing of values.

    A list stands for a tuple and for any sequence, as a range does; a whole number for a number.
    """
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(fits_hint(value, one) for one in inner)
    if origin is Literal:
        return any(type(value) is type(one) and value == one for one in inner)
    if origin is tuple and Ellipsis not in inner:
        fits = isinstance(value, list | tuple) and len(value) == len(inner)
        return fits and all(map(fits_hint, value, inner))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(fits_hint(v, inner[1]) for v in value.values())
    if is_function(hint):
        return callable(value)
    if isinstance(origin, type) and issubclass(origin, Iterable):
        items = value if isinstance(value, list | tuple) else ()
        is_series = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
        return is_series and all(fits_hint(one, inner[0]) for one in items)
    return _is_instance(value, hint)


@lru_cache(maxsize=1024)
def is_plain(hint: Any) -> bool:
    """Whether a hint is of kinds that Python has: numbers, texts, lists and tables.

    Not where it has values, functions, arrays of numpy's or a class of this package's, of which
    more can be said.
    """
    home = getattr(hint, "__module__", "builtins").partition(".")[0]
    if get_origin(hint) is Literal or is_function(hint) or home == "numpy":
        return False
    if get_args(hint):
        return all(map(is_plain, get_args(hint)))
    return home != "chainrule"


def list_kinds(hint: Any) -> tuple[Any, ...]:
    """The kinds that a hint allows one of: those of a union, or it alone."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def is_single(hint: Any) -> bool:
    """Whether a hint is of one number, one text, one path, or none."""
    return all(kind in (bool, int, float, str, Path, NoneType) for kind in list_kinds(hint))


def is_function(hint: Any) -> bool:
    """Whether a hint is of anything that can be called."""
    return Callable in (hint, get_origin(hint))


def _is_instance(value: Any, kind: Any) -> bool:
    """Whether it is an object of a class; no bool is a number, and no number too large for one."""
    if kind is Any or not isinstance(kind, type):
        return True
    if isinstance(value, bool):
        return kind in (bool, object)
    if isinstance(value, int) and kind in (int, float):
        return abs(value) < LARGEST
    return isinstance(value, Real if kind is float else kind)


def describe_hint(hint: Any, *, several: bool = False) -> str:
    """``a whole number or a list of whole numbers``; what no file can have only where that is all.

    ``several``: in the plural.
    """
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        in_files = [one for one in inner if one.__module__ != "torch" and not is_function(one)]
        kinds = [one for one in in_files or inner if one is not NoneType] or inner[:1]
        return " or ".join(describe_hint(one, several=several) for one in kinds)
    if origin is Literal:
        return " or ".join(map(repr, inner))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "tables" if several else "a table"
    if isinstance(origin, type) and issubclass(origin, Iterable):
        count = f"{len(inner)} " if origin is tuple and Ellipsis not in inner else ""
        a_list = "lists" if several else "a list"
        return f"{a_list} of {count}{describe_hint(inner[0], several=True)}"
    name = getattr(hint, "__name__", str(hint))
    article = "an" if name[0] in "AEIOUaeiou" else "a"
    return WORDS.get(hint, (f"{article} {name}", f"{name}s"))[several]
