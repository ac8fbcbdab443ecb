"""What to say where something else was given than an object of one of the package's classes."""

from __future__ import annotations

import sys
from numbers import Integral, Real
from types import ModuleType
from typing import Any

from chainrule._util.suggest import did_you_mean

__all__ = [
    "check_counts",
    "check_kind",
    "check_not_negative",
    "check_whole",
    "describe_object",
    "find_torch_base",
    "is_real",
]


def check_counts(**counts: Any) -> None:
    """Raise ValueError, with its name, for what is no whole number from 1 on."""
    for name, n in counts.items():
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise ValueError(f"{name}: expected a whole number, 1 or more, got {n!r}")


def check_whole(**sizes: Any) -> None:
    """Raise ValueError, with its name, for what is no whole number from 0 on."""
    for name, n in sizes.items():
        if isinstance(n, bool) or not isinstance(n, Integral) or n < 0:
            raise ValueError(
                f"{name}: expected a whole number, 0 or more, got {describe_object(n)}"
            )


def check_not_negative(**numbers: float) -> None:
    """Raise ValueError, with its name, for a number below 0."""
    for name, x in numbers.items():
        if x < 0:
            raise ValueError(f"{name}: expected a number, 0 or more, got {x}")


def is_real(value: Any) -> bool:
    """Whether it is a number."""
    return isinstance(value, Real)


def check_kind(value: Any, kind: type, what: str) -> None:
    """Raise TypeError unless ``value`` is an object of a class of this kind, one of the package's.

    The message says what was given, and what to write instead: an object of the class, the
    library's own class of torch's name, or a subclass.
    """
    if not isinstance(value, kind):
        library = find_library(kind)
        name = f"{library.__name__}.{kind.__name__}"
        fix = suggest_fix(value, kind, library)
        raise TypeError(f"{what}: expected a {name}, got {describe_object(value)}; {fix}")


def find_library(kind: type) -> ModuleType:
    """The package that a user imports the class from."""
    names = kind.__module__.split(".")
    packages = (sys.modules[".".join(names[:n])] for n in range(2, len(names) + 1))
    return next(package for package in packages if hasattr(package, kind.__name__))


def describe_object(value: Any) -> str:
    """What an object is, in a few words."""
    if value is None or isinstance(value, str | int | float):
        return repr(value)
    cls = value if isinstance(value, type) else type(value)
    base = find_torch_base(cls)
    name = f"torch's {cls.__name__}" if base is cls else cls.__name__
    if isinstance(value, type):
        return f"the class {name}"
    if base is not None:
        return name if base is cls else f"{cls.__name__}, a subclass of torch's {base.__name__}"
    if callable(value) and hasattr(value, "__name__"):
        return f"the function {value.__name__}"
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def suggest_fix(value: Any, kind: type, library: ModuleType) -> str:
    """What to write instead of the value."""
    cls = value if isinstance(value, type) else type(value)
    known = {name for name in dir(library) if is_concrete(getattr(library, name), kind)}
    if isinstance(value, type) and issubclass(value, kind):
        return f"write an object of it: {value.__name__}(…)"
    if isinstance(value, str) and hasattr(kind, "load"):
        return f"write {kind.__name__}.load({value!r})"
    if isinstance(value, str):
        lowered = {name.lower(): name for name in known}
        name = lowered.get(value.lower().replace("_", ""))
        return f"write {name}(…)" if name else did_you_mean(value, known) or "no name, an object"
    if find_torch_base(cls) is cls and cls.__name__ in known:
        return f"take {library.__name__}.{cls.__name__}"
    contract = ", whose forward returns the output and its chain rule"
    return f"one of your own is a subclass of {kind.__name__}" + (
        contract if hasattr(kind, "forward") else ""
    )


def is_concrete(value: Any, kind: type) -> bool:
    """Whether it is a class of this kind that has objects."""
    return (
        isinstance(value, type)
        and issubclass(value, kind)
        and not getattr(value, "__abstractmethods__", None)
    )


def find_torch_base(cls: type) -> type | None:
    """The class, or the first it derives from, that PyTorch's networks or optimizers define."""
    home = ("torch.nn.", "torch.optim.")
    return next((base for base in cls.__mro__ if base.__module__.startswith(home)), None)
