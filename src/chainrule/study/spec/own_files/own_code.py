"""The user's own modules that a study's components are in: their sources, as digests and files."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import invalidate_caches
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, resolve_name
from pathlib import Path
from typing import Any, NamedTuple

from chainrule._util.source_code import find_studies, hash_source
from chainrule.recipes.errors import StudyError
from chainrule.recipes.importing import LOADED_SINCE, load_module
from chainrule.study.spec.own_files.loaded_code import PROCESS_START, find_change
from chainrule.study.spec.study import Study

__all__ = [
    "check_loaded",
    "check_pinned",
    "locate_module",
    "own_files",
    "pin_sources",
    "remember_loaded",
]

IMPORTABLE = re.compile(r"([A-Za-z_][\w.]*):[A-Za-z_]\w*")
PACKAGE = Path(__file__).parents[2]


def pin_sources(study: Study) -> Study:
    """The study with the SHA-256 of each module of the user's that it names, or that these import.

    Other code is another study, as another CSV file is. Modules that are installed, Python's and
    chainrule's are left out: provenance has their versions. A module that is not found is too:
    what names it says so. Raises StudyError where a component is of the program itself, which is
    another one in each process, and where a module is not what its file says now.
    """
    if "__main__" in find_module_names(study.as_dict()):
        raise StudyError(
            "__main__ is another program in each process: put what the study is made of at the top "
            "of a module, and name it as module:NAME"
        )
    files = sorted(own_files(study).items())
    sources = {name: hash_source(path) for name, path in files}
    for name, path in files:
        check_loaded(name, path, sources[name])
    return study.model_copy(update={"sources": sources})


def check_pinned(study: Study) -> None:
    """Raise StudyError unless this process has loaded the modules that the study was pinned with.

    A worker loads them after the run began: what was changed meanwhile would be trained under the
    name of what was there before.
    """
    for name in find_module_names(study.as_dict()):
        with suppress(Exception):  # said where it is needed
            load_module(name)
    for name, digest in study.sources.items():
        if (path := find_own_file(name)) is not None and hash_source(path) != digest:
            raise StudyError(f"{path} was changed after this run began: run it again")


class LoadedModule(NamedTuple):
    """What a module was loaded by when it was looked at, and its digest then; None if refused."""

    spec: ModuleSpec | None
    digest: str | None


LOADED: dict[str, LoadedModule] = {}
"""Module → the first look at what is loaded of it, or the last that refused it."""


def remember_loaded(sources: Mapping[str, str]) -> None:
    """Keep in mind that what is loaded of these modules are these sources, unless it is known."""
    for name, digest in sources.items():
        spec = getattr(sys.modules.get(name), "__spec__", None)
        look = LOADED.get(name)
        if spec is not None and (look is None or look.digest is None or look.spec is not spec):
            LOADED[name] = LoadedModule(spec, digest)


def check_loaded(name: str, path: Path, digest: str) -> None:
    """Raise StudyError where a module's file is no longer what this process has loaded of it.

    A notebook would else train the earlier code under the name of the new one, and its workers the
    new one.
    """
    module, look = sys.modules.get(name), LOADED.get(name)
    if module is None or module.__spec__ is None:
        return
    if look is not None and look.digest is not None and look.spec is module.__spec__:
        change = "" if look.digest == digest else "was changed"
    else:  # first looked at now, or loaded anew since
        is_anew = look is not None and look.spec is not module.__spec__
        spec, since = LOADED_SINCE.get(name, (None, None))
        if spec is not module.__spec__:  # by an import of the user's
            since = None if is_anew else PROCESS_START
        source = path.read_bytes()
        change = find_change(module, source, since, whole=not find_studies(source))
        if change:
            LOADED[name] = LoadedModule(module.__spec__, None)
    if change:
        if change.startswith("may"):
            change += " (Python keeps no bytecode here, which would tell)"
        raise StudyError(
            f"{path} {change} after this process had loaded {name}, which is as it was: start "
            f"Python anew (a notebook's kernel), or importlib.reload({name}) and what imports it"
        )
    remember_loaded({name: digest})


def own_files(study: Study, *, callbacks: bool = False) -> dict[str, Path]:
    """Module → file of all that the study's components are made with and that is the user's.

    ``callbacks``: those that look on too, which decide no number.
    """
    invalidate_caches()
    found: dict[str, Path] = {}
    left_out = {"quick"} if callbacks else {"quick", "callbacks"}
    declared = {key: value for key, value in study.as_dict().items() if key not in left_out}
    waiting = [*find_module_names(declared)]
    while waiting:
        name = waiting.pop()
        parent = name.rpartition(".")[0]
        if name in found or (path := find_own_file(name)) is None:
            continue
        found[name] = path
        waiting += [*find_imports(name, path), *([parent] if parent else [])]
    return found


def find_module_names(declared: Any) -> Iterator[str]:
    """The modules of each ``{"name": "module:function"}`` in a declaration."""
    if isinstance(declared, Mapping):
        named = IMPORTABLE.fullmatch(str(declared.get("name", "")))
        yield from [named[1]] if named else []
        for value in declared.values():
            yield from find_module_names(value)
    elif isinstance(declared, list):
        for value in declared:
            yield from find_module_names(value)


def find_own_file(name: str) -> Path | None:
    """The source of a module of the user's; None for others, and where there is none."""
    if name.partition(".")[0] in {*sys.stdlib_module_names, "chainrule"}:
        return None
    loaded = getattr(sys.modules.get(name), "__file__", None)
    path = Path(loaded) if loaded else locate_module(name)
    installed = {"site-packages", "dist-packages"} & {*path.parts}
    is_own = path.suffix == ".py" and path.is_file() and not installed
    return path if is_own and PACKAGE not in path.parents else None


def locate_module(name: str) -> Path:
    """The file of a module that is not loaded, which stays so; an empty path where there is none.

    One in a package is looked for in its folders: ``find_spec`` would load the package.
    """
    first, *rest = name.split(".")
    try:
        spec = find_spec(first)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not rest:
        return Path((spec and spec.origin) or "")
    places = [Path(folder).joinpath(*rest) for folder in spec.submodule_search_locations or ()]
    files = [file for place in places for file in (place / "__init__.py", place.with_suffix(".py"))]
    return next((file for file in files if file.is_file()), Path())


def find_imports(name: str, path: Path) -> Iterator[str]:
    """The modules that one imports, wherever in it; also those that may only be names in one.

    Of ``import_module`` those whose name is written there: one that is made up is not known.
    """
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    try:
        nodes = [*ast.walk(ast.parse(path.read_bytes()))]
    except SyntaxError:  # said where it is imported
        return
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Call) and is_import_call(node):
            yield from find_called(node, package)
        elif isinstance(node, ast.ImportFrom):
            try:
                home = resolve_name("." * node.level + (node.module or ""), package)
            except ImportError:
                continue
            yield home
            yield from (f"{home}.{alias.name}" for alias in node.names if alias.name != "*")


def find_called(node: ast.Call, package: str) -> Iterator[str]:
    """The module of ``import_module("a.b")`` or ``import_module(".b", package="a")``."""
    given = [*node.args, *(k.value for k in node.keywords if k.arg == "package")]
    texts = [g.value for g in given if isinstance(g, ast.Constant) and isinstance(g.value, str)]
    if texts and texts[0] is getattr(given[0], "value", None):
        with suppress(ImportError):  # beyond the top of its package: said where it is imported
            yield resolve_name(texts[0], [*texts, package][1])


def is_import_call(node: ast.Call) -> bool:
    """``importlib.import_module(…)``, ``import_module(…)``, ``__import__(…)``"""
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    return name in ("import_module", "__import__")
