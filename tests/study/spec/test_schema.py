"""The JSON schema says what each field is."""

from __future__ import annotations

import tomllib

from chainrule.study.spec.schema import DESCRIPTIONS, build_schema


def declared_fields() -> dict[str, dict[str, dict[str, object]]]:
    schema = build_schema()
    sections = {"Study": schema, **schema["$defs"]}
    return {name: section.get("properties", {}) for name, section in sections.items()}


def test_each_field_has_a_description():
    missing = [
        f"{section}.{name}"
        for section, fields in declared_fields().items()
        for name, field in fields.items()
        if not str(field.get("description", "")).endswith(".")
    ]
    assert missing == []


def test_each_description_is_of_a_field():
    texts = tomllib.loads(DESCRIPTIONS.read_text("utf-8"))
    fields = declared_fields()
    assert [
        f"{section}.{name}"
        for section, names in texts.items()
        for name in names
        if name not in fields.get(section, {})
    ] == []
