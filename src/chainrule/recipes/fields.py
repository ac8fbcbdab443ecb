"""Sections of a declaration: a typo in a field is an error, and so is the name it once had."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from chainrule._util.suggest import did_you_mean, find_similar
from chainrule.recipes.arguments import argument_names
from chainrule.recipes.importing import SEARCH_MODULES, component_names

__all__ = ["OLD_NAMES", "StrictModel", "describe_unknown", "format_errors", "reject_old_names"]

OLD_NAMES = {
    "first": "min_epochs",
    "goal": "direction",
    "last": "average_last",
    "members": "ensemble_size",
    "shared": "batchable",
    "whole": "integer",
    "width": "cohort_size",
    "worst": "failure_value",
}
"""What a field was called in the first format → what it is called now."""


class StrictModel(BaseModel):
    """A section that knows all its fields; it says what was meant by one that it has not.

    Raises pydantic's ValidationError, a ValueError.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _check_names(cls, given: Any) -> Any:
        if isinstance(given, Mapping):
            reject_old_names(given, cls.model_fields)
        return given

    @model_validator(mode="wrap")
    @classmethod
    def _explain_unknown(cls, given: Any, handler: ModelWrapValidatorHandler[Any]) -> Any:
        try:
            return handler(given)
        except ValidationError as error:
            found = [cls._explain_error(one, given) for one in error.errors()]
            raise ValidationError.from_exception_data(cls.__name__, found) from None

    @classmethod
    def _explain_error(cls, error: ErrorDetails, given: Any) -> InitErrorDetails:
        """The same error; of a field that is not known, with the names that are."""
        kind: Any = error["type"]
        if kind == UNKNOWN:
            kind = PydanticCustomError(UNKNOWN, "{text}", {"text": error["msg"]})
        elif kind == "extra_forbidden" and len(error["loc"]) == 1:
            text = describe_unknown(str(error["loc"][0]), cls, given)
            kind = PydanticCustomError(UNKNOWN, "{text}", {"text": text})
        context = {} if isinstance(kind, PydanticCustomError) else error.get("ctx", {})
        return {"type": kind, "loc": error["loc"], "input": error["input"], "ctx": context}


UNKNOWN = "unknown_field"
"""The type of an error that says what a field is called."""


def describe_unknown(name: str, model: type[BaseModel], given: Mapping[str, Any]) -> str:
    """``no such field; did you mean 'epochs'?``, or 'optimizer.lr': one further in."""
    known = ", ".join(model.model_fields)
    further = [*find_inner_fields(model, given)]
    inside = [path for path in further if path.rpartition(".")[2] == name]
    hint = f"did you mean {inside[0]!r}? " if inside else ""
    if not hint and "." not in name:
        hint = did_you_mean(name, model.model_fields)
    if not hint:
        words = {path.rpartition(".")[2]: path for path in reversed(further)}
        words |= {path: path for path in further}
        found = find_similar(name, words)
        hint = f"did you mean {words[found]!r}? " if found else ""
    return f"no such field; {hint.strip() or f'expected one of: {known}'}"


def find_inner_fields(model: type[BaseModel], given: Mapping[str, Any]) -> Iterator[str]:
    """``optimizer.lr``, ``search.method``: what components and sections of a model may have.

    Of a component that is not declared, what any of its kind may have.
    """
    for name, field in model.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, StrictModel):
            yield from (f"{name}.{inner}" for inner in section.model_fields)
        elif name in SEARCH_MODULES and name != "trainer":
            part = given.get(name)
            made = part.get("name") if isinstance(part, Mapping) else getattr(part, "name", part)
            declared = [made] if isinstance(made, str) else component_names(name)
            yield from (f"{name}.{a}" for one in declared for a in argument_names(name, one))


class RenamedFieldError(ValueError):
    """A field was given by the name that it had once."""


def reject_old_names(given: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Raise an error that names the new one where ``given`` has the old name of a known field."""
    for old, new in OLD_NAMES.items():
        if old in given and new in known:
            raise RenamedFieldError(f"{old}: is called {new} now")


def format_errors(error: ValidationError) -> Iterator[str]:
    """``field: what is wrong`` for each problem."""
    for one in error.errors():
        place = ".".join(str(part) for part in one["loc"])
        text = describe_problem(one)
        renamed = isinstance(one.get("ctx", {}).get("error"), RenamedFieldError)
        yield f"{place}{'.' if renamed else ': '}{text}" if place else text


def describe_problem(error: ErrorDetails) -> str:
    """What is wrong in one place, and what would be right, in our words."""
    kind, context, given = error["type"], error.get("ctx", {}), error["input"]
    if kind in ("value_error", UNKNOWN):
        return error["msg"].removeprefix("Value error, ")
    if kind == "missing":
        return describe_missing([str(part) for part in error["loc"]])
    expected, hint = EXPECTED.get(kind, ""), ""
    if kind == "literal_error":
        expected = str(context["expected"])
        hint = did_you_mean(given, re.findall("'([^']+)'", expected)) if given else ""
    expected = expected.format(**context) or error["msg"]
    got = "" if isinstance(given, dict) else f", got {given!r}"
    return f"expected {expected}{got}{'; ' if hint else ''}{hint}".strip()


def describe_missing(path: list[str]) -> str:
    """What is to be written where a field is missing."""
    if (kind := ".".join(path)) in SEARCH_MODULES:
        path = [kind, "name"]
    kinds: Iterable[str] = (part for part in path[:-1] if part in SEARCH_MODULES)
    kind = next(iter(kinds), "metric" if "metrics" in path else "")
    if path[-1] != "name" or not kind:
        return "is missing"
    return (
        f'is missing; expected [{kind}] with name = "…": one of '
        f"{', '.join(component_names(kind))}, or package.module:name"
    )


EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a table",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "less_than": "less than {lt:g}",
    "list_type": "a list",
    "model_type": "a table",
    "string_pattern_mismatch": "letters, digits, dots, hyphens and underscores",
    "string_type": "a text",
    "tuple_type": "a list",
}
"""pydantic's type of an error → what would be right."""
