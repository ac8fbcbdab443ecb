"""The arguments that a component's function accepts, and what is wrong with those it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from inspect import Parameter, signature
from typing import Any

from chainrule._util.hints import argument_hints, describe_hint, fits_hint
from chainrule._util.suggest import did_you_mean
from chainrule.recipes.errors import StudyError
from chainrule.recipes.importing import component_names, resolve_callable

__all__ = [
    "argument_names",
    "describe_accepted",
    "find_argument_problem",
    "find_written_problems",
]

GIVEN_FIRST = {"data": 1, "optimizer": 1, "schedule": 1, "trainer": 3}
"""How many arguments a study itself gives to a component: a seed, parameters, an optimizer."""

FIRST = {
    "data": "the seed of a round",
    "optimizer": "the net's parameters",
    "schedule": "the optimizer",
    "trainer": "net, criterion and optimizer",
}
"""What these are, in words."""

SIZED = ("data", "net")
"""Kinds whose whole numbers count something: samples, layers, units."""


def argument_names(kind: str, name: str) -> list[str]:
    """What a component of this name may be given; nothing where there is none."""
    try:
        return [*_named_parameters(resolve_callable(kind, name), GIVEN_FIRST.get(kind, 0))]
    except StudyError:
        return []


def describe_accepted(function: Callable[..., Any], skip: int = 0) -> str:
    """``; it takes lr, momentum``, without those that are given first."""
    known = _named_parameters(function, skip)
    return f"; it takes {', '.join(known)}" if known else ""


def find_argument_problem(
    kind: str, function: Callable[..., Any], arguments: Mapping[str, Any], skip: int
) -> str:
    """What is wrong with the arguments of a call, of which ``skip`` are given first; or "".

    An unknown one, with a near name or what else has it; a missing one; of chainrule's own
    functions, one that is not of the kind that its hint says.
    """
    if _parameters(function) is None:
        return ""
    for name in arguments:
        if problem := _find_unknown(kind, function, name, skip):
            return problem
    for name, parameter in _named_parameters(function, skip).items():
        if parameter.default is Parameter.empty and name not in arguments:
            return f"argument {name!r} is missing{describe_accepted(function, skip)}"
    problems = (_find_wrong_value(kind, function, *given) for given in arguments.items())
    return next(filter(None, problems), "")


def find_written_problems(kind: str, name: str, arguments: Mapping[str, Any]) -> dict[str, str]:
    """Argument → what is wrong with it, of those that are written of a component of this name.

    The name itself is ``"name"`` there.
    """
    try:
        function = resolve_callable(kind, name)
    except StudyError as error:
        return {"name": str(error)}
    skip = GIVEN_FIRST.get(kind, 0)
    found = {
        argument: _find_unknown(kind, function, argument, skip)
        or _find_wrong_value(kind, function, argument, value)
        for argument, value in arguments.items()
    }
    return {argument: problem for argument, problem in found.items() if problem}


def _find_unknown(kind: str, function: Callable[..., Any], name: str, skip: int) -> str:
    """That a function has no argument of this name, with a near one or what else has it; or ""."""
    known = _named_parameters(function, skip)
    parameters = _parameters(function) or []
    if name in known or any(p.kind is Parameter.VAR_KEYWORD for p in parameters):
        return ""
    if name in [parameter.name for parameter in parameters[:skip]]:
        return f"{name!r} stands first, where a study gives {FIRST[kind]}: write it after that"
    hint = did_you_mean(name, known) or (_find_others(kind, name) if _is_own(function) else "")
    takes = describe_accepted(function, skip) or "; it takes none"
    return f"no argument {name!r}; {hint}{takes.removeprefix('; ')}"


def _is_own(function: Callable[..., Any]) -> bool:
    """Whether it is one of chainrule's."""
    return str(getattr(function, "__module__", "")).partition(".")[0] == "chainrule"


def _named_parameters(function: Callable[..., Any], skip: int) -> dict[str, Parameter]:
    """Name → parameter of those that can be given by name, without the first few."""
    named = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    return {p.name: p for p in (_parameters(function) or [])[skip:] if p.kind in named}


def _parameters(function: Callable[..., Any]) -> Sequence[Parameter] | None:
    """In order; None where a function does not tell."""
    try:
        return read_parameters(function)
    except (TypeError, ValueError):
        return None


@lru_cache(maxsize=1024)
def read_parameters(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    """In order. Raises ValueError or TypeError where a function does not tell."""
    return (*signature(function).parameters.values(),)


def _find_others(kind: str, name: str) -> str:
    """Which of chainrule's own of this kind do have the argument."""
    others = [other for other in component_names(kind) if name in argument_names(kind, other)]
    return f"{', '.join(others)} {'has' if len(others) == 1 else 'have'} it; " if others else ""


def _find_wrong_value(kind: str, function: Callable[..., Any], name: str, value: Any) -> str:
    """That a value is not what the hint of one of chainrule's own functions says; or ""."""
    if not _is_own(function) or type(value).__module__ != "builtins":
        return ""  # a tensor has a number for each replica of a cohort
    hint = argument_hints(function).get(name)
    if not fits_hint(value, hint):
        return f"{name}: expected {describe_hint(hint)}, got {value!r}"
    if kind in SIZED and hint is int and value < 0:
        return f"{name}: expected a whole number, 0 or more, got {value}"
    return ""
