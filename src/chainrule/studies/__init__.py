"""The built-in studies, one file each."""

from __future__ import annotations

from importlib import import_module

from chainrule.study.declaration import Study, StudyError

__all__ = ["NAMES", "find"]

NAMES = {"pairs-depth": "chainrule.studies.pairs_depth"}
"""Name → the module that declares it as STUDY."""


def find(name: str) -> Study:
    """The built-in study of this name. Raises StudyError, which lists the names, where none is."""
    if name not in NAMES:
        raise StudyError(f"no study {name!r}; built-in studies: {', '.join(NAMES)}")
    study: Study = import_module(NAMES[name]).STUDY
    return study
