"""The JSON schema of a study's file, for editors."""

from __future__ import annotations

from typing import Any, final

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from chainrule.study.declaration import Study
from chainrule.study.parts import spelled

__all__ = ["schema"]


def schema() -> dict[str, Any]:
    """What a TOML file of a study may hold, as JSON schema (2020-12)."""
    whole = Study.model_json_schema(schema_generator=WithShortForms)
    return {"$schema": GenerateJsonSchema.schema_dialect, **whole}


@final
class WithShortForms(GenerateJsonSchema):
    """A part may be its name alone, and a dimension the list of its values."""

    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> dict[str, Any]:
        whole = super().function_before_schema(schema)
        named = schema["function"]["function"] is spelled
        short = {"type": "string"} if named else {"type": "array", "minItems": 1}
        return {"anyOf": [short, whole]}
