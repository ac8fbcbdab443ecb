"""Whether what Python has loaded of a module is what its file says now."""

from __future__ import annotations

import ast
import marshal
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from contextlib import suppress
from importlib.machinery import SourceFileLoader
from inspect import unwrap
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

__all__ = ["PROCESS_START", "find_change"]


def process_start() -> float | None:
    """When this process began, in seconds since 1970; None where the system does not say."""
    if sys.platform != "linux":
        return ask_process_start()
    with suppress(OSError, ValueError, IndexError):
        fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        since_boot = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        if since_boot > 0:
            return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + since_boot
    return None


def ask_process_start() -> float | None:
    """The same of ``ps``, to a second and not too late; None where there is none, as on Windows."""
    with suppress(OSError, ValueError, subprocess.SubprocessError):
        command = ["ps", "-o", "etime=", "-p", str(os.getpid())]
        said = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout  # noqa: S603
        days, _, clock = said.strip().rpartition("-")
        seconds = 0
        for part in clock.split(":"):
            seconds = 60 * seconds + int(part)
        return time.time() - seconds - 86400 * int(days or 0) - 1
    return None


PROCESS_START = process_start()
"""Whatever this process has loaded, it has loaded after that; of a fork, its parent's."""


def find_change(
    module: ModuleType, source: bytes, since: float | None, *, whole: bool = True
) -> str:
    """``was changed`` where a loaded module is not this source, which its file has now; else "".

    It is where the file was last written before ``since``, when the module was not yet loaded. If
    not, its functions and methods, their defaults and the constants at its top and in its classes
    must be those of the source; and the code that Python wrote beside the file as it was last
    imported must be what it would write now: all of it, or unless ``whole`` its functions. Where
    there is no such code it ``may have been changed``; without ``since`` either, it is taken to be
    the same. A value that is computed as the module is loaded (``N = int("3")``) is known by that
    code alone: if another process has loaded a changed file since, the change is not seen.
    """
    spec, path = module.__spec__, Path(str(module.__file__))
    if spec is None or type(spec.loader) is not SourceFileLoader:
        return ""  # another loader may load another code of it, as pytest does of tests
    if since is not None and max((state := path.stat()).st_mtime, state.st_ctime) < since:
        return ""
    try:
        codes = [*find_codes(compile(source, path, "exec", dont_inherit=True))]
    except (SyntaxError, ValueError):
        return "was changed"
    known = {*map(summarize, codes)}
    if any(summarize(code) not in known for code in find_loaded_codes(module, str(path))):
        return "was changed"
    if any(differs(module, name, value) for name, value in find_constants(ast.parse(source))):
        return "was changed"
    cached = read_cached(Path(spec.cached or ""))
    if cached is None:
        return "" if since is None else "may have been changed"
    inner = slice(0 if whole else 1, None)
    is_same = [*map(summarize, codes[inner])] == [*map(summarize, [*find_codes(cached)][inner])]
    return "" if is_same else "was changed"


def find_constants(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    """``("WIDTH", 3)``, ``("Net.width", 3)`` and ``("net.__defaults__", (3, 1))`` of a module and
    the classes at its top: what is written there once, as a constant, and nowhere changed.
    """
    nodes = [*ast.walk(tree)]
    changed = {n for node in nodes if isinstance(node, ast.Global) for n in node.names}
    changed |= {*find_filled(nodes), *find_set(nodes)}
    yield from find_scope_constants(tree.body, changed)
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            for path, value in find_scope_constants(node.body, changed):
                yield f"{node.name}.{path}", value


def find_scope_constants(
    body: Sequence[ast.stmt], changed: Collection[str]
) -> Iterator[tuple[str, Any]]:
    """Those of the statements of a module or a class, but for names that are ``changed``."""
    names = Counter(find_stored(body))
    for node in body:
        found: dict[str, ast.expr] = {}
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if name not in changed:
                found = {name: value}
            case ast.FunctionDef(name=name, args=given):
                pairs = zip(given.kwonlyargs, given.kw_defaults, strict=True)
                named = {ast.Constant(arg.arg): value for arg, value in pairs if value}
                found = {
                    f"{name}.__defaults__": ast.Tuple(given.defaults, ast.Load()),
                    f"{name}.__kwdefaults__": ast.Dict([*named], [*named.values()]),
                }
        for path, value in found.items():
            with suppress(ValueError, TypeError, RecursionError):
                if names[path.partition(".")[0]] == 1:
                    yield path, ast.literal_eval(value)


def find_stored(body: Iterable[ast.stmt]) -> Iterator[str]:
    """The names that statements define, once for each time, those of functions and classes too."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement.name
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                yield node.id


def find_filled(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The names of which there is ``x.append`` or ``x[0] = …``, and so of ``self.x``."""
    for node in nodes:
        match node:
            case ast.Attribute(value=ast.Name(id=name) | ast.Attribute(attr=name)):
                yield name
            case ast.Subscript(
                value=ast.Name(id=name) | ast.Attribute(attr=name), ctx=ast.Store() | ast.Del()
            ):
                yield name


def find_set(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The names of attributes that are set, but for those of a ``self``, which hide a class's."""
    for node in nodes:
        match node:
            case ast.Attribute(value=ast.Name(id="self")):
                continue
            case ast.Attribute(attr=name, ctx=ast.Store() | ast.Del()):
                yield name


COMPARED = (bool, bytes, complex, dict, float, int, list, str, tuple)
"""Kinds of constants whose text says what they are."""


def differs(module: ModuleType, path: str, value: Any) -> bool:
    """Whether a module has another constant of the same kind there."""
    *scopes, name = path.split(".")
    holder: Any = module
    for scope in scopes:
        holder = to_function(vars(holder).get(scope))
        if not isinstance(holder, type | FunctionType):
            return False
    loaded = vars(holder).get(name)
    if name in DEFAULTS:  # None for none
        loaded = getattr(holder, name) or type(value)()
    is_comparable = type(loaded) is type(value) and isinstance(value, COMPARED)
    return is_comparable and repr(loaded) != repr(value)


DEFAULTS = ("__defaults__", "__kwdefaults__")


def to_function(value: Any) -> Any:
    """The function that the user wrote: of a method, of a property, below decorators."""
    if isinstance(value, type):
        return value
    inner = getattr(value, "__func__", getattr(value, "fget", value))
    return unwrap(inner) if callable(inner) else inner


def read_cached(path: Path) -> CodeType | None:
    """The code that Python wrote of a module; None where there is none, or it may be an old one."""
    if sys.dont_write_bytecode or not os.access(path.parent, os.W_OK):
        return None
    try:
        code = marshal.loads(path.read_bytes()[16:])  # noqa: S302  # Python's own file
    except (OSError, ValueError, EOFError, TypeError):
        return None
    return code if isinstance(code, CodeType) else None


def find_codes(code: CodeType) -> Iterator[CodeType]:
    """A code and all within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from find_codes(constant)


def find_loaded_codes(module: ModuleType, path: str) -> Iterator[CodeType]:
    """The codes of the functions and methods that a module has of this file."""
    values = [*vars(module).values()]
    values += [v for cls in values if isinstance(cls, type) for v in vars(cls).values()]
    for value in values:
        function = to_function(value)
        if isinstance(function, FunctionType) and function.__code__.co_filename == path:
            yield function.__code__


def summarize(code: CodeType) -> Hashable:
    """What a code does, wherever it stands."""
    constants = tuple(map(summarize_constant, code.co_consts))
    return code.co_name, code.co_code, code.co_names, code.co_varnames, constants


def summarize_constant(constant: Any) -> str:
    """A constant; of a code its name alone, and of a set its elements in an order."""
    if isinstance(constant, CodeType):
        return f"code {constant.co_name}"
    return str(sorted(map(repr, constant))) if isinstance(constant, frozenset) else repr(constant)
