"""Arguments of a call, held against the type hints of the function before it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, wraps
from inspect import Parameter, Signature, signature
from math import isnan
from numbers import Real
from typing import Any, TypeVar

from chainrule._util.hints import argument_hints, describe_hint, fits_hint, is_plain
from chainrule._util.kinds import describe_object
from chainrule._util.suggest import did_you_mean

__all__ = ["CheckedConstructor", "check_arguments"]

Function = TypeVar("Function", bound=Callable[..., Any])

VARIADIC = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)

ARRAYS = ("numpy", "torch")
"""Libraries whose objects may stand for a number or several: the function itself looks at them."""

SEEDS = (int, list, tuple)
"""What a function looks at itself: a seed may be larger than the numbers of tensors."""


def check_arguments(function: Function) -> Function:
    """The function, or the class, that raises TypeError for an argument it does not have, and for
    one that is not of the kind that its hint says.

    The message names the function and the argument, and says what would be right. A number of
    numpy's arrives as Python's, where the hint has numbers. Else what torch or numpy made is taken
    as it is, and objects of classes are the function's own concern.
    """
    if isinstance(function, type):
        function.__init__ = check_arguments(function.__init__)  # type: ignore[misc]
        return function
    skip = int(function.__name__ == "__init__")

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        name = type(args[0]).__name__ if skip else function.__name__
        known = read_signature(function)
        check_argument_names(name, [*known.parameters.values()][skip:], kwargs)
        try:
            bound = known.bind(*args, **kwargs)
        except TypeError:
            return function(*args, **kwargs)  # which says in Python's words what is missing
        hints, given = argument_hints(function), bound.arguments
        for argument in [*given][skip:]:
            if known.parameters[argument].kind not in VARIADIC:
                hint = hints.get(argument, Any)
                given[argument] = as_python_number(given[argument], hint)
                if argument != "seed" or not isinstance(given[argument], SEEDS):
                    check_argument(f"{name}: {argument}", given[argument], hint)
        return function(*bound.args, **bound.kwargs)

    return call  # type: ignore[return-value]


class CheckedConstructor:
    """The constructors of the package's own subclasses are :func:`check_arguments`'s."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls) and cls.__module__.startswith("chainrule."):
            check_arguments(cls)


@lru_cache(maxsize=1024)
def read_signature(function: Callable[..., Any]) -> Signature:
    return signature(function)


def check_argument_names(name: str, parameters: list[Parameter], given: Iterable[str]) -> None:
    """Raise TypeError for an argument that there is not, with the one that was meant."""
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    known = [p.name for p in parameters if p.kind is not p.VAR_POSITIONAL]
    for argument in given:
        if argument not in known:
            hint = f"{did_you_mean(argument, known)}it takes {', '.join(known) or 'none'}"
            raise TypeError(f"{name}: no argument {argument!r}; {hint}")


def as_python_number(value: Any, hint: Any) -> Any:
    """A number of numpy's, or a list with some, as Python's where the hint has such numbers."""
    if isinstance(value, list | tuple):
        plain = [as_python_number(each, Any) for each in value]
        is_new = any(new is not old for new, old in zip(plain, value, strict=True))
        return type(value)(plain) if is_new and fits_hint(plain, hint) else value
    is_number = isinstance(value, Real)
    if not is_number or type(value).__module__ != "numpy":
        return value
    plain = value.item()
    return plain if fits_hint(plain, hint) else value


def check_argument(what: str, value: Any, hint: Any) -> None:
    """Raise TypeError where a value is not what its hint says, ValueError for nan."""
    if isinstance(value, float) and isnan(value) and hint is not Any:
        raise ValueError(f"{what}: expected {describe_hint(hint)}, got nan")
    is_array = type(value).__module__.partition(".")[0] in ARRAYS
    if not is_array and is_plain(hint) and not fits_hint(value, hint):
        is_list = isinstance(value, list | tuple)
        got = f"{value!r:.200}" if is_list else describe_object(value)
        raise TypeError(f"{what}: expected {describe_hint(hint)}, got {got}")
