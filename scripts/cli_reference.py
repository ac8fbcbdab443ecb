"""What docs/reference/cli.md shows of the commands, made from the commands themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Any

import typer.main

from chainrule.cli import load_commands

LINE_OF_TOML = re.compile(r"^(#.*)$", re.MULTILINE)
"""In a help, which Markdown would take for a heading."""


def build_reference() -> str:
    """Markdown: a table of the commands, then for each its arguments and options."""
    root: Any = typer.main.get_command(load_commands())
    contents = ["| command | |", "|---|---|"]
    for name, command in root.commands.items():
        contents.append(f"| [`chainrule {name}`](#chainrule-{name}) | {first_sentence(command)} |")
    sections = ("\n".join(describe_command(name, each)) for name, each in root.commands.items())
    return "\n".join(contents) + "\n\n" + "\n\n".join(sections) + "\n"


def describe_command(name: str, command: Any) -> Iterator[str]:
    """The section of one command, line by line."""
    context = command.context_class(command, info_name=f"chainrule {name}")
    usage = command.get_usage(context).removeprefix("Usage: ")
    yield f"## chainrule {name}\n"
    yield f"```text\n{usage}\n```\n"
    text = (command.help or "").replace("\b", "").strip()
    yield LINE_OF_TOML.sub(r"`\1`", text) + "\n"
    for parameter in command.params:
        if parameter.get_help_record(context):  # a hidden one has none
            yield describe_parameter(parameter, context, name)
    if command.epilog:
        examples = command.epilog.replace("\b", "").strip().splitlines()
        body = "\n".join(line.strip() for line in examples[1:] if line.strip())
        yield f"\n{examples[0].strip()}\n\n```sh\n{body}\n```" if body else f"\n{examples[0]}"


def describe_parameter(parameter: Any, context: Any, command: str) -> str:
    """Names and value as a heading, which the search finds; then the help, default and range."""
    names, text = parameter.get_help_record(context)
    place = f"{command}-{parameter.name.replace('_', '-')}"
    heading = f'<h4 class="option" id="{place}"><code>{escape(names)}</code></h4>'
    return f"{heading}\n\n{' '.join(text.split())}\n"


def first_sentence(command: Any) -> str:
    """What the command does, in a line."""
    return " ".join((command.help or "").split("\n\n")[0].split())
