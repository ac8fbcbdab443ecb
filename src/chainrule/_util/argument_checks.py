"""Arguments of a call, held against the type hints of the function before it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, wraps
from inspect import Parameter, Signature, signature
from math import isnan
from numbers import Real
from types import NoneType
from typing import Any, NamedTuple, TypeVar

from chainrule._util.hints import (
    LARGEST,
    argument_hints,
    describe_hint,
    fits_hint,
    is_plain,
    is_single,
    list_kinds,
)
from chainrule._util.kinds import check_kind, describe_object
from chainrule._util.suggest import did_you_mean

__all__ = ["CheckedConstructor", "check_arguments"]

Function = TypeVar("Function", bound=Callable[..., Any])

VARIADIC = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)

ARRAYS = ("numpy", "torch")
"""Libraries whose objects may stand for several numbers: the function itself looks at them."""

SEEDS = (int, list, tuple)
"""What a function looks at itself: a seed may be larger than the numbers of tensors."""


def check_arguments(function: Function) -> Function:
    """The function, or the class, that raises TypeError for an argument it does not have, and for
    one that is not of the kind that its hint says.

    The message names the function and the argument, and says what would be right. A number of
    numpy's arrives as Python's, where the hint has numbers. What torch or numpy made is taken as it
    is where the hint is not of one number, and other libraries' objects are the function's concern.
    """
    if isinstance(function, type):
        function.__init__ = check_arguments(function.__init__)  # type: ignore[misc]
        return function
    is_constructor = function.__name__ == "__init__"

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        name = type(args[0]).__name__ if is_constructor else function.__name__
        known = read_call(function)
        if not kwargs.keys() <= known.kinds.keys():
            check_argument_names(name, [*read_signature(function).parameters.values()], kwargs)
        given = [known.convert(name, *one) for one in zip(known.positional, args, strict=False)]
        named = {argument: known.convert(name, argument, of) for argument, of in kwargs.items()}
        return function(*given, *args[len(given) :], **named)

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


class ArgumentKind(NamedTuple):
    """What an argument must be: its hint, and what follows from that."""

    hint: Any
    own_class: type | None
    is_plain: bool
    is_single: bool


class CallKinds(NamedTuple):
    """Argument → what it must be, and the names of those that may be given by their place."""

    kinds: dict[str, ArgumentKind]
    positional: Sequence[str]

    def convert(self, function: str, argument: str, value: Any) -> Any:
        """The value as the function takes it. Raises TypeError or ValueError for a wrong one."""
        kind = self.kinds.get(argument)
        if kind is None or kind.hint is Any:
            return value
        # the most frequent ones at once: a number, text or bool of just this class
        if type(value) is kind.hint and fits_exactly(value):
            return value
        value = as_python_number(value, kind.hint)
        if argument != "seed" or not isinstance(value, SEEDS):
            check_argument(f"{function}: {argument}", value, kind)
        return value


def fits_exactly(value: Any) -> bool:
    """Whether what is of the class that is asked for needs no other look: no nan, not too large."""
    if type(value) is float:
        return not isnan(value)
    return type(value) in (bool, str) or (type(value) is int and abs(value) < LARGEST)


@lru_cache(maxsize=1024)
def read_call(function: Callable[..., Any]) -> CallKinds:
    """What its arguments must be; without those that take any number of values."""
    hints = argument_hints(function)
    single = [p for p in read_signature(function).parameters.values() if p.kind not in VARIADIC]
    found = {p.name: hints.get(p.name, Any) for p in single}
    return CallKinds(
        {
            name: ArgumentKind(hint, find_hinted_class(hint), is_plain(hint), is_single(hint))
            for name, hint in found.items()
        },
        [p.name for p in single if p.kind is not p.KEYWORD_ONLY],
    )


def check_argument_names(name: str, parameters: list[Parameter], given: Iterable[str]) -> None:
    """Raise TypeError for an argument that there is not, with the one that was meant."""
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    known = [p.name for p in parameters if p.kind is not p.VAR_POSITIONAL]
    known = [argument for argument in known if argument not in ("self", "cls")]
    for argument in given:
        if argument not in known:
            hint = f"{did_you_mean(argument, known)}it takes {', '.join(known) or 'none'}"
            raise TypeError(f"{name}: no argument {argument!r}; {hint}")


def find_hinted_class(hint: Any) -> type | None:
    """The class of this package's that a hint asks for, or that or None; else None."""
    own = [kind for kind in list_kinds(hint) if kind is not NoneType]
    is_one = len(own) == 1 and isinstance(own[0], type)
    return own[0] if is_one and own[0].__module__.startswith("chainrule.") else None


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


def check_argument(what: str, value: Any, kind: ArgumentKind) -> None:
    """Raise TypeError where a value is not of its kind, ValueError for nan."""
    hint = kind.hint
    if isinstance(value, float) and isnan(value):
        raise ValueError(f"{what}: expected {describe_hint(hint)}, got nan")
    if kind.own_class:
        if value is not None or hint is kind.own_class:
            check_kind(value, kind.own_class, what)
        return
    is_array = type(value).__module__.partition(".")[0] in ARRAYS
    if is_array and kind.is_single and hasattr(value, "ndim"):
        fits = value.ndim == 0 and fits_hint(value.item(), hint)
    else:
        fits = is_array or not kind.is_plain or fits_hint(value, hint)
    if not fits:
        is_list = isinstance(value, list | tuple)
        got = f"{value!r:.200}" if is_list else describe_object(value)
        raise TypeError(f"{what}: expected {describe_hint(hint)}, got {got}")
