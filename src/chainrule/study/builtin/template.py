"""A study to start from: the text of a TOML file, with comments that explain its sections."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainrule.study.builtin import FOLDER, NAMES
from chainrule.study.spec.own_files.csv_data import use_csv_table
from chainrule.study.spec.study import Study

__all__ = ["template_for_csv", "template_text"]

POINTS, TABLE = (FOLDER / "templates" / f"{name}.toml" for name in ("points", "table"))
SECTION = re.compile(r"^\[([\w-]+).*\]$", re.MULTILINE)
ENTRY = re.compile(r"^([\w-]+) = .*$", re.MULTILINE)


def template_text(name: str, source: str | None = None) -> str:
    """The text of a study of this name: the built-in one that ``source`` names, or a small one.

    Raises StudyError, which lists the names, where no built-in study is named so.
    """
    text = template_path(source, POINTS).read_text("utf-8")
    return re.sub(r'^name = ".*"$', f'name = "{name}"', text, count=1, flags=re.MULTILINE)


def template_for_csv(
    name: str,
    csv: str | Path,
    target: str,
    source: str | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> tuple[str, list[str]]:
    """(the text of a study of a CSV file, what became of its columns).

    ``arguments``: of the data ``table``, how the file is written and taken. Raises StudyError,
    DataError or OSError where the file cannot be used so.
    """
    text = template_path(source, TABLE).read_text("utf-8")
    base = Study.from_toml(text)
    study, notes = use_csv_table(base.with_overrides(data=arguments or None), csv, target)
    study = study.with_overrides(name=name)
    return replace_sections(text, base.as_dict(), study.as_dict()), notes


def template_path(source: str | None, default: Path) -> Path:
    """The file of a built-in study, or else the default."""
    from chainrule.study.builtin import load_builtin

    if source is None:
        return default
    if source not in NAMES:
        load_builtin(source)  # which says what there is
    return FOLDER / f"{source}.toml"


def replace_sections(text: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """The text of a declaration with what is different in ``new``; all else stays as it is written.

    Empty lines are between its sections; a section keeps the comment above it.
    """
    import tomli_w

    changed = {key: value for key, value in new.items() if value != old.get(key)}
    paragraphs = []
    for paragraph in text.strip().split("\n\n"):
        section = SECTION.search(paragraph)
        if section is None:
            gone = old.keys() - new.keys()
            lines = [line for line in paragraph.split("\n") if line.partition(" = ")[0] not in gone]
            text = "\n".join(lines)
            paragraphs.append(ENTRY.sub(lambda line: _write_entry(line, changed), text))
        elif section[1] in old and section[1] not in new:
            continue
        elif section[1] not in new or new[section[1]] == old.get(section[1]):
            paragraphs.append(paragraph)
        elif section[1] in changed:
            written = tomli_w.dumps({section[1]: changed.pop(section[1])}).strip()
            paragraphs.append(paragraph[: section.start()] + written)
    return "\n\n".join(paragraphs) + "\n"


def _write_entry(line: re.Match[str], changed: Mapping[str, Any]) -> str:
    """A line ``key = value``, with another value where there is one."""
    import tomli_w

    return tomli_w.dumps({line[1]: changed[line[1]]}).strip() if line[1] in changed else line[0]
