"""The JSON schema of a study's file, for editors."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from chainrule.recipes.component import normalize_component
from chainrule.study.spec.sections.drafts import normalize_draft
from chainrule.study.spec.sections.space import expand_list
from chainrule.study.spec.study import Study

__all__ = ["build_schema"]


def build_schema() -> dict[str, Any]:
    """What a TOML file of a study may hold, as JSON schema (2020-12)."""
    whole = Study.model_json_schema(schema_generator=WithShortForms)
    texts = tomllib.loads(DESCRIPTIONS.read_text("utf-8"))
    for name, section in {"Study": whole, **whole["$defs"]}.items():
        add_descriptions(section, texts.get(name, {}))
    add_choice_of_data(whole)
    return {"$schema": GenerateJsonSchema.schema_dialect, **whole}


def add_choice_of_data(whole: dict[str, Any]) -> None:
    """Of several data sets each has a name, or they have one in common; one alone must have it."""
    whole["required"].remove("data")
    whole["$defs"]["Data"]["required"].remove("name")
    named = {"anyOf": [{"type": "string"}, {"required": ["name"]}]}
    whole["if"] = {"required": ["datasets"]}
    whole["else"] = {"required": ["data"], "properties": {"data": named}}


DESCRIPTIONS = Path(__file__).with_name("descriptions.toml")
"""Section → field → what it is."""


def add_descriptions(section: Mapping[str, Any], texts: Mapping[str, str]) -> None:
    """Say of the fields of a section what they are."""
    for name, field in section.get("properties", {}).items():
        if name in texts:
            field["description"] = texts[name]


SHORT: dict[Any, dict[str, Any]] = {
    normalize_component: {"type": "string"},
    normalize_draft: {"type": "string"},
    expand_list: {"type": "array", "minItems": 1},
}
"""What reads a short form, and the form."""


@final
class WithShortForms(GenerateJsonSchema):
    """A part may be its name alone, and a dimension the list of its values."""

    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> dict[str, Any]:
        whole = super().function_before_schema(schema)
        short = SHORT.get(schema["function"]["function"])
        return whole if short is None else {"anyOf": [short, whole]}
