"""Whether somebody else has written a method of ours: then the kernel does not stand for it."""

from __future__ import annotations

from collections.abc import Iterable
from types import FunctionType
from typing import NamedTuple

from chainrule.compiled.lowering.program import Unsupported

__all__ = ["check_own_methods", "find_own_method"]


class OwnMethods(NamedTuple):
    """Of a class: the methods that are ours, and those of them that somebody else has written."""

    ours: set[str]
    changed: list[str]


def check_own_methods(parts: Iterable[object]) -> None:
    """Raise Unsupported where somebody else has written what one does: the layers call that."""
    known: dict[type, OwnMethods] = {}
    for part in parts:
        if (name := find_own_method(part, known)) is not None:
            raise Unsupported(f"{type(part).__name__}.{name}, which is not chainrule's")


def find_own_method(part: object, known: dict[type, OwnMethods] | None = None) -> str | None:
    """One that somebody else has written in the place of ours, or None.

    ``known``: what was found of classes a moment ago, which nets have many layers of.
    """
    known, cls = {} if known is None else known, type(part)
    if cls not in known:
        known[cls] = read_methods(cls)
    ours, changed = known[cls]
    changed = sorted(name for name in vars(part) if name[:2] != "__" and name in ours) + changed
    return changed[0] if changed else None


def read_methods(kind: type) -> OwnMethods:
    """Those of a class and of what it is derived from."""
    own = [cls for cls in kind.__mro__ if cls.__module__.startswith("chainrule.")]
    others = [cls for cls in kind.__mro__ if cls not in own and cls is not object]
    ours = {name for cls in own for name, value in vars(cls).items() if callable(value)}
    names = {name for cls in others for name in vars(cls) if name[:2] != "__"}
    changed = sorted(names & ours)
    for cls in own:  # what was put into our own class
        changed += [
            name
            for name, value in vars(cls).items()
            if isinstance(value, FunctionType)
            and name[:2] != "__"
            and (value.__module__, value.__qualname__)
            != (cls.__module__, f"{cls.__qualname__}.{name}")
        ]
    return OwnMethods(ours, changed)
