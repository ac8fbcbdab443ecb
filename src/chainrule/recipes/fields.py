"""Sections of a declaration: a typo in a field is an error, and so is the name it once had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

__all__ = ["OLD_NAMES", "StrictModel", "format_errors", "reject_old_names"]

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
    """A section that knows all its fields; it says what an old name of one is now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _check_names(cls, given: Any) -> Any:
        if isinstance(given, Mapping):
            reject_old_names(given, cls.model_fields)
        return given


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
        text = one["msg"].removeprefix("Value error, ")
        given = "" if isinstance(one["input"], dict) else f", got {one['input']!r}"
        shown = text if one["type"] in ("value_error", "missing") else f"{text}{given}"
        renamed = isinstance(one.get("ctx", {}).get("error"), RenamedFieldError)
        yield f"{place}{'.' if renamed else ': '}{shown}" if place else shown
