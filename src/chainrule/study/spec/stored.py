"""The declaration of a study in a store, whichever format it was written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from chainrule.recipes.errors import StudyError
from chainrule.recipes.fields import OLD_NAMES, StrictModel
from chainrule.recipes.recipe import Recipe
from chainrule.study.spec.sections import Halving, Selection
from chainrule.study.spec.sections.space import Dimension
from chainrule.study.spec.study import Study, validate_study
from chainrule.study.spec.toml_file import parse_toml
from chainrule.study.store import StudyRecord

__all__ = ["read_declaration", "rename_old_fields"]

DECLARATIONS = 256
"""How many are kept as they were read: a study over data sets is asked for each several times."""


def read_declaration(record: StudyRecord) -> Study:
    """The study of a record. Raises StudyError where this version cannot read it."""
    source = f"study {record.id} of the store ({record.name})"
    return read_toml(str(record.declaration.get("toml", "")), source)


@lru_cache(maxsize=DECLARATIONS)
def read_toml(toml: str, source: str) -> Study:
    """The study of a stored declaration. Raises StudyError, which names the source."""
    declared = fill_old_defaults(rename_old_fields(parse_toml(toml, source)))
    try:
        return validate_study(declared, source, stored=True)
    except StudyError:
        if "quick" not in declared:
            raise
    # A small form that would be refused today decides nothing about the rows that are there.
    whole = {key: value for key, value in declared.items() if key != "quick"}
    return validate_study(whole, source, stored=True)


def fill_old_defaults(declared: dict[str, Any]) -> dict[str, Any]:
    """A stored declaration with what was the default when nothing was written of it."""
    search = declared.get("search")
    if not isinstance(search, Mapping) or "each_round" in search:
        return declared
    return {**declared, "search": {**search, "each_round": False}}


def rename_old_fields(declared: Mapping[str, Any]) -> dict[str, Any]:
    """A declaration of any format with the names that its fields have now."""
    study = rename_keys(declared, Study)
    inner: dict[str, Callable[[Any], Any]] = {
        "arms": lambda arms: map_values(arms, lambda arm: rename_keys(arm, Recipe)),
        "factors": lambda factors: map_values(
            factors, lambda levels: map_values(levels, lambda level: rename_keys(level, Recipe))
        ),
        "quick": rename_old_fields,
        "search": lambda search: {
            key: rename_keys(value, Halving) if key == "halving" else value
            for key, value in search.items()
        },
        "selection": lambda selection: rename_keys(selection, Selection),
        "space": lambda space: map_values(
            rename_keys(space, Recipe), lambda dimension: rename_keys(dimension, Dimension)
        ),
    }
    return {
        key: inner[key](value) if key in inner and isinstance(value, Mapping) else value
        for key, value in study.items()
    }


def rename_keys(section: Any, model: type[StrictModel]) -> Any:
    """A section with the names that this model's fields have now; what is no table as it is."""
    if not isinstance(section, Mapping):
        return section
    fields = model.model_fields
    return {
        OLD_NAMES[key] if OLD_NAMES.get(key) in fields else key: value
        for key, value in section.items()
    }


def map_values(section: Any, change: Callable[[Any], Any]) -> Any:
    """A table with each value changed; what is no table as it is."""
    if not isinstance(section, Mapping):
        return section
    return {key: change(value) for key, value in section.items()}
