"""The built-in studies: one small TOML file each."""

from __future__ import annotations

from pathlib import Path

from chainrule.study import Study, StudyError

__all__ = ["NAMES", "load_builtin"]

FOLDER = Path(__file__).parent

NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))
"""The built-in studies."""


def load_builtin(name: str) -> Study:
    """The built-in study of this name. Raises StudyError, which lists the names, where none is."""
    if name not in NAMES:
        raise StudyError(f"no study {name!r}; built-in studies: {', '.join(NAMES)}")
    return Study.load(FOLDER / f"{name}.toml")
