"""Functions and classes by their names: chainrule's own, and the user's in a module or a file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module, invalidate_caches
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from inspect import isabstract
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

from chainrule._util.suggest import did_you_mean
from chainrule.recipes.errors import StudyError

__all__ = [
    "LOADED_SINCE",
    "add_import_path",
    "component_names",
    "import_user_module",
    "load_module",
    "locate_user_file",
    "product_class",
    "public_names",
    "resolve_callable",
]

SEARCH_MODULES = {
    "data": ("chainrule.data.datasets.loaders",),
    "net": ("chainrule.zoo",),
    "loss": ("chainrule.nn", "chainrule.zoo"),
    "optimizer": ("chainrule.optim",),
    "schedule": ("chainrule.optim.lr_scheduler",),
    "metric": ("chainrule.train.metrics",),
    "init": ("chainrule.nn.init",),
    "augment": ("chainrule.data.augment",),
    "trainer": ("chainrule.train", "chainrule.interop"),
    "callback": ("chainrule.train.loggers",),
}
"""Where a name without a module is looked for."""

PRODUCTS = {
    "data": "builtins:tuple",
    "net": "chainrule.nn.module:Module",
    "loss": "chainrule.nn.loss:Loss",
    "optimizer": "chainrule.optim:Optimizer",
    "schedule": "chainrule.optim.lr_scheduler:LRScheduler",
    "metric": "collections.abc:Callable",
    "init": "chainrule.nn.init:Initializer",
    "augment": "collections.abc:Callable",
    "trainer": "chainrule.train:Trainer",
    "callback": "chainrule.train:Callback",
}
"""What a component of each kind makes, by name: a declaration is read without torch."""


LOADED_SINCE: dict[str, tuple[ModuleSpec | None, float]] = {}
"""Module → what it was loaded by, and when it was not loaded yet: of those loaded here."""


def load_module(name: str) -> ModuleType:
    """The module, imported; when that was is kept of it, and of all that it imports."""
    start, before = time.time(), {*sys.modules}
    try:
        return import_module(name)
    finally:
        for new in sys.modules.keys() - before:
            LOADED_SINCE[new] = getattr(sys.modules[new], "__spec__", None), start


def product_class(kind: str) -> type:
    """The class of what a component of this kind makes."""
    module, _, name = PRODUCTS[kind].partition(":")
    made: type = getattr(import_module(module), name)
    return made


def resolve_callable(kind: str, name: str) -> Callable[..., Any]:
    """The function or class that a part of this kind names.

    Raises StudyError where there is none; it lists what chainrule itself has of the kind.
    """
    module, colon, attribute = name.rpartition(":")
    if colon:
        return _import_callable(kind, name, module, attribute)
    known = _own_components(kind)
    if name not in known:
        others = [k for k in SEARCH_MODULES if name in _own_components(k)]
        elsewhere = f", but {others[0]} {name!r} is" if others else ""
        raise StudyError(
            f"{kind} {name!r} is not known{elsewhere}; {did_you_mean(name, known)}"
            f"expected package.module:name or one of: {', '.join(known)}"
        )
    return known[name]


def component_names(kind: str) -> list[str]:
    """What chainrule has of a kind: losses among losses only."""
    return [*_own_components(kind)]


def _import_callable(kind: str, name: str, module: str, attribute: str) -> Callable[..., Any]:
    try:
        found = load_module(module)
    except ImportError as error:
        hint = "; name what is in a package as package.module:NAME" * ("relative" in str(error))
        raise StudyError(f"{kind} {name!r}: cannot import {module} ({error}){hint}") from None
    except (Exception, SystemExit) as error:  # whatever the user's code raises
        problem = f"cannot import {module} ({describe_failed_import(error)})"
        raise StudyError(f"{kind} {name!r}: {problem}") from error
    function = getattr(found, attribute, None)
    if not callable(function):
        known = [key for key, value in vars(found).items() if callable(value) and key[0] != "_"]
        hint = did_you_mean(attribute, known).strip()
        problem = f"module {module} has no function {attribute!r}"
        raise StudyError(f"{kind} {name!r}: {problem}{'; ' if hint else ''}{hint}")
    return function  # type: ignore[no-any-return]


def describe_failed_import(error: BaseException) -> str:
    """Why a module of the user's could not be imported."""
    if isinstance(error, SystemExit):
        return (
            f"it ends the program as it is imported, sys.exit({error.code}): put what a script "
            'does below if __name__ == "__main__":'
        )
    return str(error) if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"


@cache
def _own_components(kind: str) -> dict[str, Callable[..., Any]]:
    """Name → what makes a component of this kind, in the order of the alphabet."""
    return dict(sorted(_find_components(kind)))


def _find_components(kind: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    wanted = product_class(kind)
    for home in SEARCH_MODULES[kind]:
        for name in public_names(home):
            function = getattr(import_module(home), name)
            made = function if isinstance(function, type) else _return_type(function)
            if isinstance(made, type) and issubclass(made, wanted) and not isabstract(made):
                yield name, function


def _return_type(function: Callable[..., Any]) -> Any:
    """The class of what a function returns; None where its hints do not say."""
    try:
        made = get_type_hints(function).get("return")
    except NameError:  # a hint that only type checkers can read
        return None
    return getattr(made, "__origin__", made)


def public_names(home: str) -> list[str]:
    """The functions and classes that a module offers."""
    module = import_module(home)
    return [n for n in getattr(module, "__all__", ()) if callable(getattr(module, n))]


def add_import_path(*folders: Path) -> None:
    """Let modules in these folders be imported; workers get the path too."""
    sys.path += [str(folder) for folder in folders if str(folder) not in sys.path]


def locate_user_file(name: str) -> str:
    """``mynets:NAME`` of ``mynets.py:NAME``, a file in the current folder or on Python's path.

    Other names stay as they are. Nothing is imported; the file's folder is put on the path. Raises
    StudyError where there is no such file, or Python has another module of its name.
    """
    source, _, attribute = name.rpartition(":")
    if not source.endswith(".py"):
        return name
    places = [Path(folder, source) for folder in (str(Path.cwd()), *sys.path)]
    path = next((place.resolve() for place in places if place.is_file()), None)
    if path is None:
        raise StudyError(f"{name}: no file {source}, in {Path.cwd()} or on Python's path")
    add_import_path(path.parent)
    invalidate_caches()
    loaded = getattr(sys.modules.get(path.stem), "__file__", None)
    spec = None if loaded else find_spec(path.stem)
    there = Path(str(loaded or (spec and spec.origin) or "")).resolve()
    if there != path:
        raise StudyError(f"{name}: python has another module {path.stem!r}, {there}: rename yours")
    return f"{path.stem}:{attribute}"


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
        module = load_module(path.stem if is_file else source)
    except (Exception, SystemExit) as error:  # whatever the user's code raises
        reason = describe_failed_import(error)
        raise StudyError(f"{name}: cannot import {source} ({reason})") from None
    if is_file and Path(str(module.__file__)).resolve() != path:
        raise StudyError(f"{name}: python has another module {path.stem!r}: rename the file")
    return f"{module.__name__}:{attribute}"
