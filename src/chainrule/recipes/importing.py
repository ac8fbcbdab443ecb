"""Functions and classes by their names: chainrule's own, and the user's in a module or a file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from chainrule.recipes.errors import StudyError

__all__ = ["add_import_path", "import_user_module", "public_names", "resolve_callable"]

SEARCH_MODULES = {
    "data": ("chainrule.data.datasets.loaders",),
    "net": ("chainrule.zoo",),
    "loss": ("chainrule.nn", "chainrule.zoo"),
    "optimizer": ("chainrule.optim",),
    "schedule": ("chainrule.optim.lr_scheduler",),
    "metric": ("chainrule.train",),
    "init": ("chainrule.nn.init",),
    "augment": ("chainrule.data",),
    "trainer": ("chainrule.train", "chainrule.interop"),
}
"""Where a name without a module is looked for."""


def resolve_callable(kind: str, name: str) -> Callable[..., Any]:
    """The function or class that a part of this kind names.

    Raises StudyError where there is none; it lists what chainrule itself has of the kind.
    """
    module, colon, attribute = name.rpartition(":")
    homes: Sequence[str] = (module,) if colon else SEARCH_MODULES[kind]
    for home in homes:
        try:
            found = getattr(import_module(home), attribute, None)
        except ImportError as error:
            raise StudyError(f"{kind} {name!r}: cannot import {home} ({error})") from None
        if callable(found):
            return found  # type: ignore[no-any-return]
    if colon:
        raise StudyError(f"{kind} {name!r}: module {module} has no function {attribute!r}")
    known = sorted({n for home in homes for n in public_names(home)})
    raise StudyError(
        f"{kind} {name!r} is not known; expected package.module:name or one of: {', '.join(known)}"
    )


def public_names(home: str) -> list[str]:
    """The functions and classes that a module offers."""
    module = import_module(home)
    return [n for n in getattr(module, "__all__", ()) if callable(getattr(module, n))]


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
