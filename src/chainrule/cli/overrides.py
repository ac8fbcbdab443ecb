"""``NAME=VALUE``: how a study, or a training, differs from what is declared."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any

import typer

from chainrule._util.suggest import did_you_mean, find_similar

__all__ = ["PARTS", "parse_assignments", "parse_settings"]

PARTS = ("augment", "clip_norm", "data", "init", "loss", "net", "optimizer", "schedule")
"""What a setting of ``chainrule train`` may begin with."""


def parse_assignments(
    given: Sequence[str] | None, example: str = "NAME=VALUE, such as train=500"
) -> dict[str, Any]:
    """``{"train": 500, "root": "/data/mnist"}`` of ``train=500`` and ``root=/data/mnist``.

    A name may be a path (``net.hidden``); a value is one of TOML, or else a text. Raises
    typer.BadParameter for what is no such assignment.
    """
    values = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not (equals and all(word.isidentifier() for word in name.split("."))):
            raise typer.BadParameter(f"expected {example}, got {text!r}")
        values[name] = parse_toml_value(value)
    return values


def parse_toml_value(text: str) -> Any:
    """50, 0.5, true, [8, 16]; else the text itself."""
    try:
        values = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return values["value"] if len(values) == 1 else text


OPTIONS = ("epochs", "batch_size", "patience", "seed", "threads", "validation", "test", "target")
"""What ``chainrule train`` has an option of its own for."""


def suggest_setting(path: str) -> str:
    """What was meant by a setting of no part: an option, an argument of a part, or a part."""
    if "." not in path and (option := find_similar(path, OPTIONS)):
        return f"it is an option of its own, --{option.replace('_', '-')}; "
    if find_similar(path, ["lr"]):
        return "did you mean 'optimizer.lr'? "
    return did_you_mean(path.partition(".")[0], PARTS)


def parse_settings(given: Sequence[str] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """(arguments of the data, the recipe's) of ``data.train=500`` and ``net.hidden=50``.

    Raises typer.BadParameter for what is no such assignment, ValueError for another part.
    """
    example = "PART.ARGUMENT=VALUE, such as net.hidden=50"
    arguments, settings = {}, {}
    for path, value in parse_assignments(given, example).items():
        part, dot, argument = path.partition(".")
        if part not in PARTS or (part == "data" and not dot):
            hint = "" if part in PARTS else suggest_setting(path)
            raise ValueError(f"--set {path}: {hint}expected {example}; parts: {', '.join(PARTS)}")
        if part == "data":
            arguments[argument] = value
        else:
            settings[path] = value
    return arguments, settings
