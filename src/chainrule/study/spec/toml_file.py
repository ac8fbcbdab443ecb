"""A study's TOML file, and the files of the user that it names."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from chainrule.recipes.errors import StudyError
from chainrule.recipes.importing import add_import_path

__all__ = ["parse_toml", "read_study_file"]


def read_study_file(path: Path) -> tuple[dict[str, Any], str]:
    """What a TOML file declares, with the files that it names beside it, and its text."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise StudyError(f"{path}: not a text in UTF-8, save it as one: {error}") from None
    if ".py:" in text:  # a file of the user's
        add_import_path(path.resolve().parent)
    return find_csv_beside(parse_toml(text, str(path)), path.parent), text


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """The tables of a TOML text. Raises StudyError, which names the source, for any other text."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{source}: not TOML: {error}") from None


def find_csv_beside(declared: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The declaration with the whole path of each CSV file that stands in this folder."""
    found = dict(declared)
    if isinstance(datasets := declared.get("datasets"), dict):
        found["datasets"] = {name: find_csv(data, folder) for name, data in datasets.items()}
    if "data" in declared:
        found["data"] = find_csv(declared["data"], folder)
    return found


def find_csv(data: Any, folder: Path) -> Any:
    """One data set with the whole path of its CSV file."""
    csv = data.get("csv") if isinstance(data, dict) else None
    if not isinstance(csv, str) or not (folder / csv).is_file():
        return data
    return {**data, "csv": str((folder / csv).resolve())}
