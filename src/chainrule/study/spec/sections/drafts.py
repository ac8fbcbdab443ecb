"""Components and overrides as arms, levels and the quick form have them: whole only together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator

from chainrule._util.field_problems import describe_given
from chainrule.recipes.component import normalize_component, tuples_to_lists
from chainrule.recipes.problems import NAMED_PART, check_plain

__all__ = ["DraftComponent", "Overrides", "normalize_draft"]


def normalize_draft(given: Any) -> Any:
    """A component as a table. Raises, in a validator, for what no file could hold."""
    part = normalize_component(given)
    if not isinstance(part, Mapping):
        raise ValueError(f"expected {NAMED_PART}, got {describe_given(given)}")
    check_plain(part)
    return part


DraftComponent = Annotated[dict[str, Any], BeforeValidator(normalize_draft)]
"""A component that is complete only when an arm has added to it."""


def normalize_overrides(given: Any) -> Any:
    """Overrides with their parts as tables. Raises, in a validator, for what no file could hold."""
    if not isinstance(given, Mapping):
        return given
    parts = {"data", "net", "loss", "optimizer", "schedule", "init", "augment", "trainer"}
    full = {
        k: normalize_component(value) if k in parts else tuples_to_lists(value)
        for k, value in given.items()
    }
    check_plain(full)
    return full


Overrides = Annotated[dict[str, Any], BeforeValidator(normalize_overrides)]
"""What an arm, a level of a factor or the quick form says differently."""
