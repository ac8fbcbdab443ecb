"""Docstrings as the reference shows them: roles as code, and a table of the arguments."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from griffe import Class, Docstring, Extension, Function, Module, Object

ROLE = re.compile(r":\w+:`~?([^`]+)`")
MEANINGS: dict[str, str] = tomllib.loads(
    Path(__file__).with_name("arguments.toml").read_text(encoding="utf-8")
)
EXPLAINED = ("chainrule.nn", "chainrule.optim", "chainrule.zoo")
"""Packages whose arguments have a meaning each; elsewhere the docstring tells what they are."""


class Roles(Extension):
    """Rewrites :func:`name`."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = ROLE.sub(r"`\1`", obj.docstring.value)


class ArgumentTables(Extension):
    """Adds a table of the arguments below the docstring of a class or a function."""

    def on_package(self, *, pkg: Module, **_: Any) -> None:
        for owner in walk_public(pkg):
            if owner.docstring and (table := build_table(owner)):
                owner.docstring = Docstring(f"{owner.docstring.value}\n\n{table}", parent=owner)


def walk_public(module: Module) -> Iterator[Class | Function]:
    """The classes and functions of a package whose arguments are explained."""
    for member in module.members.values():
        if member.is_alias:
            continue
        if isinstance(member, Module):
            yield from walk_public(member)
        elif isinstance(member, Class | Function) and member.path.startswith(EXPLAINED):
            yield member


def build_table(owner: Class | Function) -> str:
    """Markdown: a row an argument, with its meaning and what it is unless given."""
    rows = [
        f"| `{each.name}` | {find_meaning(owner.name, each.name)} | {describe_default(each)} |"
        for each in owner.parameters
        if each.name != "self" and find_meaning(owner.name, each.name)
    ]
    head = ["| argument | what it is | unless given |", "|---|---|---|"]
    return "\n".join(head + rows) if rows else ""


def find_meaning(owner: str, argument: str) -> str:
    """What an argument of a class or function means, or nothing."""
    return MEANINGS.get(f"{owner}.{argument}", MEANINGS.get(argument, ""))


def describe_default(parameter: Any) -> str:
    """The default, as it is written."""
    if parameter.default is None or parameter.default in ("()", "{}"):
        return ""
    return f"`{parameter.default}`"
