"""Whether somebody else has written a method of ours: then the kernel does not stand for it."""

from __future__ import annotations

from types import FunctionType

from chainrule.compiled.lowering.program import Unsupported

__all__ = ["check_own_methods", "find_own_method"]


def check_own_methods(part: object) -> None:
    """Raise Unsupported where somebody else has written what this does: the layers call that."""
    if (name := find_own_method(part)) is not None:
        raise Unsupported(f"{type(part).__name__}.{name}, which is not chainrule's")


def find_own_method(part: object) -> str | None:
    """One that somebody else has written in the place of ours, or None."""
    classes = type(part).__mro__
    own = [cls for cls in classes if cls.__module__.startswith("chainrule.")]
    others = [cls for cls in classes if cls not in own and cls is not object]
    names = {name for found in (part, *others) for name in vars(found) if name[:2] != "__"}
    methods = {name for cls in own for name, value in vars(cls).items() if callable(value)}
    changed = sorted(names & methods)
    for cls in own:  # what was put into our own class
        changed += [
            name
            for name, value in vars(cls).items()
            if isinstance(value, FunctionType)
            and name[:2] != "__"
            and (value.__module__, value.__qualname__)
            != (cls.__module__, f"{cls.__qualname__}.{name}")
        ]
    return changed[0] if changed else None
