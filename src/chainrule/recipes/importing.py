"""Functions of the user's own: in a file, or in a module that Python finds."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from chainrule.recipes.component import StudyError

__all__ = ["add_import_path", "import_user_module"]


def add_import_path(*folders: Path) -> None:
    """Let modules in these folders be imported; workers get the path too."""
    sys.path += [str(folder) for folder in folders if str(folder) not in sys.path]


def import_user_module(name: str) -> str:
    """``package.module:NAME`` of that, or of file.py:NAME, whose module has been imported.

    Raises StudyError where it cannot be, and where another module of the file's name comes first.
    """
    source, _, attribute = name.rpartition(":")
    path, is_file = Path(source).resolve(), source.endswith(".py")
    if is_file and not path.is_file():
        raise StudyError(f"{name}: no file {source}")
    add_import_path(path.parent if is_file else Path.cwd())
    try:
        module = import_module(path.stem if is_file else source)
    except Exception as error:  # whatever the user's code raises
        reason = (
            str(error) if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
        )
        raise StudyError(f"{name}: cannot import {source} ({reason})") from None
    if is_file and Path(str(module.__file__)).resolve() != path:
        raise StudyError(f"{name}: python has another module {path.stem!r}: rename the file")
    return f"{module.__name__}:{attribute}"
