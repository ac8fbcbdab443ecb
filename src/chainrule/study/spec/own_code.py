"""The user's own modules that a study's components are in: their sources, as digests and files."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib import invalidate_caches
from importlib.util import find_spec, resolve_name
from pathlib import Path
from typing import Any

from chainrule.study.spec.study import Study

__all__ = ["own_files", "pin_sources"]

IMPORTABLE = re.compile(r"([A-Za-z_][\w.]*):[A-Za-z_]\w*")
PACKAGE = Path(__file__).parents[2]


def pin_sources(study: Study) -> Study:
    """The study with the SHA-256 of each module of the user's that it names, or that these import.

    Other code is another study, as another CSV file is. Modules that are installed, Python's and
    chainrule's are left out: provenance has their versions. A module that is not found is too:
    what names it says so.
    """
    sources = {name: hash_source(path) for name, path in sorted(own_files(study).items())}
    return study.model_copy(update={"sources": sources})


def own_files(study: Study) -> dict[str, Path]:
    """Module → file of all that the study's components are made with and that is the user's."""
    invalidate_caches()
    found: dict[str, Path] = {}
    declared = {key: value for key, value in study.as_dict().items() if key != "quick"}
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


def find_own_file(name: str) -> Path | None:
    """The source of a module of the user's; None for others, and where there is none."""
    if name.partition(".")[0] in {*sys.stdlib_module_names, "chainrule"}:
        return None
    loaded = getattr(sys.modules.get(name), "__file__", None)
    try:
        spec = None if loaded else find_spec(name)
    except Exception:  # whatever the package that it is in raises: said where it is imported
        return None
    path = Path(loaded or (spec and spec.origin) or "")
    installed = {"site-packages", "dist-packages"} & {*path.parts}
    is_own = path.suffix == ".py" and path.is_file() and not installed
    return path if is_own and PACKAGE not in path.parents else None


def find_imports(name: str, path: Path) -> Iterator[str]:
    """The modules that one imports, wherever in it; also those that may only be names in one."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    try:
        nodes = [*ast.walk(ast.parse(path.read_bytes()))]
    except SyntaxError:  # said where it is imported
        return
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            try:
                home = resolve_name("." * node.level + (node.module or ""), package)
            except ImportError:
                continue
            yield home
            yield from (f"{home}.{alias.name}" for alias in node.names if alias.name != "*")


def hash_source(path: Path) -> str:
    """The SHA-256 of a module, without the studies that are declared at its top: these have a
    digest of their own, and may be extended.
    """
    content = path.read_bytes()
    lines = content.splitlines()
    try:
        body = ast.parse(content).body
    except SyntaxError:
        body = []
    for node in body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and is_study_call(node.value):
            for i in range(node.lineno - 1, node.end_lineno or node.lineno):
                lines[i] = b""
    return sha256(b"\n".join(line for line in lines if line)).hexdigest()


def is_study_call(node: ast.expr | None) -> bool:
    """``Study(…)``, ``study.Study(…)``"""
    function = node.func if isinstance(node, ast.Call) else None
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name == "Study"
