"""A study to start from: the text of a TOML file, with comments that explain its sections."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from chainrule.study.builtin import FOLDER, NAMES
from chainrule.study.spec.csv_data import use_csv_table
from chainrule.study.spec.study import Study

__all__ = ["template_for_csv", "template_text"]

POINTS, TABLE = (FOLDER / "templates" / f"{name}.toml" for name in ("points", "table"))
KEY = re.compile(r"\[?([\w-]+)")


def template_text(name: str, source: str | None = None) -> str:
    """The text of a study of this name: the built-in one that ``source`` names, or a small one.

    Raises StudyError, which lists the names, where no built-in study is named so.
    """
    text = template_path(source, POINTS).read_text("utf-8")
    return re.sub(r'^name = ".*"$', f'name = "{name}"', text, count=1, flags=re.MULTILINE)


def template_for_csv(
    name: str, csv: str | Path, target: str, source: str | None = None
) -> tuple[str, list[str]]:
    """(the text of a study of a CSV file, what became of its columns).

    Raises StudyError, DataError or OSError where the file cannot be used so.
    """
    text = template_path(source, TABLE).read_text("utf-8")
    study, notes = use_csv_table(Study.from_toml(text), csv, target)
    return add_comments(study.with_overrides(name=name), read_comments(text)), notes


def template_path(source: str | None, default: Path) -> Path:
    """The file of a built-in study, or else the default."""
    from chainrule.study.builtin import load_builtin

    if source is None:
        return default
    if source not in NAMES:
        load_builtin(source)  # which says what there is
    return FOLDER / f"{source}.toml"


def read_comments(text: str) -> dict[str, str]:
    """The first word of an entry, or of a section, → the lines of comment right above it.

    Those that begin the file, before an empty line, stand under the empty word.
    """
    comments: dict[str, str] = {}
    above: list[str] = []
    for line in text.splitlines():
        if line.startswith("#"):
            above.append(line)
            continue
        if above:
            word = KEY.match(line)
            comments.setdefault(word[1] if word else "", "\n".join(above))
        above = []
    return comments


def add_comments(study: Study, comments: Mapping[str, str]) -> str:
    """The declaration as the text of a TOML file, with these comments above its sections."""
    import tomli_w

    fields = study.as_dict()
    entries = {key: value for key, value in fields.items() if not isinstance(value, dict)}
    parts = [comments.get("", ""), tomli_w.dumps(entries)]
    for key, value in fields.items():
        if isinstance(value, dict):
            section = tomli_w.dumps({key: value})
            parts.append(f"{comments[key]}\n{section}" if key in comments else section)
    return "\n".join(f"{part.rstrip()}\n" for part in parts if part)
