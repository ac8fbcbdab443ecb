"""What pydantic finds wrong with a field, in our words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

__all__ = ["EXPECTED", "describe_given", "expected_value", "find_first_problem"]

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
    "int_parsing_size": "a smaller whole number",
    "int_type": "a whole number",
    "invalid_key": "texts for names",
    "is_instance_of": "a {class}",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "list_type": "a list",
    "literal_error": "{expected}",
    "model_attributes_type": "a table",
    "model_type": "a table",
    "none_required": "nothing",
    "string_pattern_mismatch": "letters, digits, dots, hyphens and underscores",
    "string_type": "a text",
    "too_short": "at least {min_length} of them",
    "tuple_type": "a list",
    "union_tag_invalid": "one of {expected_tags}",
}
"""pydantic's type of an error → what would be right."""


def expected_value(error: ErrorDetails) -> str:
    """``a whole number``: what would be right in one place."""
    known = EXPECTED.get(error["type"], "").format(**error.get("ctx", {}))
    return known or f"another value ({error['msg']})"


def describe_given(given: Any) -> str:
    """What is there instead: of a table that alone, of a long text its beginning."""
    shown = "a table" if isinstance(given, dict) else repr(given)
    if isinstance(given, date | time):
        shown = f"{given.isoformat()} without quotes"
    return shown if len(shown) <= MOST_LETTERS else f"{shown[:MOST_LETTERS]}…"


MOST_LETTERS = 200


def find_first_problem(model: type[BaseModel], data: Any) -> str:
    """``field: expected a list, got 3``, the first of these data that is wrong; "" for none."""
    try:
        model.model_validate(data)
    except ValidationError as errors:
        error = errors.errors(include_url=False)[0]
        place = ".".join(map(str, locate_field(error, data)))
        problem = describe_field_problem(error)
        return f"{place}: {problem}" if place else problem
    return ""


def locate_field(error: ErrorDetails, data: Any) -> Iterator[int | str]:
    """The keys that lead to a field, without the names that pydantic gives to kinds of it."""
    last = error["loc"][-1] if error["loc"] else ""
    for part in error["loc"]:
        if has_field(data, part):
            data = data[part]
        elif part is not last or error["type"] != "missing":
            continue
        yield part


def has_field(data: Any, part: int | str) -> bool:
    """Whether a table has this key, or a list this place."""
    if isinstance(data, dict):
        return part in data
    return isinstance(data, list | tuple) and isinstance(part, int) and part < len(data)


def describe_field_problem(error: ErrorDetails) -> str:
    """What is wrong in one place, and what would be right."""
    match error["type"]:
        case "value_error":
            return error["msg"].removeprefix("Value error, ")
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "no such field"
        case "union_tag_not_found":
            return f"{error['ctx']['discriminator']} is missing"
    return f"expected {expected_value(error)}, got {describe_given(error['input'])}"
