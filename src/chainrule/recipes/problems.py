"""What is wrong in a declaration: the place of each problem, and a sentence in our words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from chainrule._util.field_problems import EXPECTED, describe_given, expected_value
from chainrule._util.suggest import did_you_mean
from chainrule.recipes.importing import SEARCH_MODULES, component_names

__all__ = [
    "NAMED_PART",
    "PROBLEM",
    "Place",
    "check_plain",
    "describe_problem",
    "format_errors",
    "format_problem",
    "list_problems",
    "make_error",
    "raise_problems",
]

Place = tuple[int | str, ...]
"""The keys that lead to a field."""

NAME = EXPECTED["string_pattern_mismatch"]

NAMED_PART = "a name, or a table with one"

PROBLEM = "problem"
"""The type of an error whose text is ours."""


def make_error(place: Place, text: str, given: Any) -> InitErrorDetails:
    """An error of a validator with a text of ours."""
    kind = PydanticCustomError(PROBLEM, "{text}", {"text": text})
    return {"type": kind, "loc": place, "input": given, "ctx": {}}


def raise_problems(found: Iterable[tuple[Place, str]]) -> None:
    """Raise, in a validator, what is wrong at which place within the field, where anything is."""
    if lines := [make_error(place, text, None) for place, text in found]:
        raise ValidationError.from_exception_data("field", lines)


PLAIN = "finite numbers, texts and lists of them"


def check_plain(value: Any) -> None:
    """Raise, in a validator, where a part of the value is not what TOML and JSON both have."""
    raise_problems(find_not_plain(value, ()))


def find_not_plain(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    """The place of each part that no file could hold, and what is wrong with it."""
    if isinstance(value, list | tuple):
        for i, one in enumerate(value):
            yield from find_not_plain(one, (*place, i))
    elif isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        for key, one in value.items():
            yield from find_not_plain(one, (*place, key))
    elif isinstance(value, float) and not math.isfinite(value):
        yield place, f"expected a finite number, got {value}"
    elif not isinstance(value, str | int | float):
        yield place, f"expected {PLAIN}, got {describe_given(value)}"


def list_problems(error: ValidationError, place: Place = ()) -> list[tuple[Place, str]]:
    """The place of each problem within ``place``, and what is wrong there."""
    return [((*place, *one["loc"]), describe_problem(one, place)) for one in error.errors()]


def format_problem(place: Place, text: str) -> str:
    """``field: what is wrong``"""
    return f"{'.'.join(map(str, place))}: {text}" if place else text


def format_errors(error: ValidationError) -> Iterator[str]:
    """A line for each problem."""
    for problem in list_problems(error):
        yield format_problem(*problem)


def describe_problem(error: ErrorDetails, place: Place = ()) -> str:
    """What is wrong in one place within another, and what would be right, in our words."""
    kind, context, given = error["type"], error.get("ctx", {}), error["input"]
    if kind in ("value_error", PROBLEM):
        text = error["msg"].removeprefix("Value error, ")
        choices = re.findall("'([^']+)'", text.partition("is not one of")[2])  # typer's
        return text + f" {did_you_mean(given, choices)}".rstrip() if choices else text
    if kind == "missing":
        return describe_missing([str(part) for part in (*place, *error["loc"])], given)
    expected, hint = expected_value(error), ""
    if kind == "literal_error":
        known = re.findall("'([^']+)'", expected)
        hint = did_you_mean(given, known) if isinstance(given, str) else ""
    if kind == "model_type" and context["class_name"] in ("Component", "Data", "Schedule"):
        expected = NAMED_PART
    elif kind == "model_type":
        expected = f"a table, as below [{'.'.join(map(str, error['loc']))}]"
    return f"expected {expected}, got {describe_given(given)}{'; ' if hint else ''}{hint}".strip()


def describe_missing(path: list[str], beside: Any = None) -> str:
    """What is to be written where a field is missing; ``beside``: the table that lacks it."""
    if path == ["name"]:
        return f'is missing; expected name = "…", {NAME}'
    if (kind := ".".join(path)) in SEARCH_MODULES:
        path = [kind, "name"]
    kinds: Iterable[str] = (part for part in path[:-1] if part in SEARCH_MODULES)
    others = {"datasets": "data", "metrics": "metric"}
    kind = next(iter(kinds), others.get(path[0], ""))
    if path[-1] != "name" or not kind:
        return "is missing"
    if kind == "data" and isinstance(beside, Mapping) and "csv" in beside:
        return 'is missing; expected name = "table", which reads a CSV file'
    return (
        f'is missing; expected [{".".join(path[:-1])}] with name = "…": one of '
        f"{', '.join(component_names(kind))}, or package.module:name"
    )
