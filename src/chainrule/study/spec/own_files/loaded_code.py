"""Whether what Python has loaded of a module is what its file says now."""

from __future__ import annotations

import ast
import marshal
import os
import sys
import time
from collections.abc import Hashable, Iterable, Iterator
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
        return None
    with suppress(OSError, ValueError, IndexError):
        fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        since_boot = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        if since_boot > 0:
            return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + since_boot
    return None


PROCESS_START = process_start()
"""Whatever this process has loaded, it has loaded after that; of a fork, its parent's."""


def find_change(
    module: ModuleType, source: bytes, since: float | None, *, whole: bool = True
) -> str:
    """``was changed`` where a loaded module is not this source, which its file has now; else "".

    It is where the file was last written before ``since``, when the module was not yet loaded. If
    not, its functions and methods, their defaults and the constants at its top must be those of the
    source; and the code that Python wrote beside the file as it was last imported must be what it
    would write now: all of it, or unless ``whole`` its functions. Where there is no such code it
    ``may have been changed``; without ``since`` either, it is taken to be the same.
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
    """``("WIDTH", 3)`` and ``("net.__defaults__", (3, 1))`` of what is defined once at the top.

    A list or a dict is left out where the module may fill it: by an item or by a method.
    """
    nodes = [*ast.walk(tree)]
    names = [node.id for node in nodes if isinstance(node, ast.Name) and is_stored(node)]
    names += [n for node in nodes if isinstance(node, ast.Global) for n in node.names]
    names += [*find_filled(nodes)]
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    names += [node.name for node in functions]
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found = name, value
            case ast.FunctionDef(name=name, args=ast.arguments(defaults=[_, *_] as defaults)):
                found = f"{name}.__defaults__", ast.Tuple(defaults, ast.Load())
            case _:
                continue
        with suppress(ValueError, TypeError, RecursionError):
            if names.count(name) == 1:
                yield found[0], ast.literal_eval(found[1])


def find_filled(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The names of which there is ``x.append`` or ``x[0] = …``."""
    for node in nodes:
        match node:
            case ast.Attribute(value=ast.Name(id=name)):
                yield name
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
                yield name


def is_stored(node: ast.Name) -> bool:
    """Whether a name is written to, or deleted, where it stands."""
    return not isinstance(node.ctx, ast.Load)


COMPARED = (bool, bytes, complex, dict, float, int, list, str, tuple)
"""Kinds of constants whose text says what they are."""


def differs(module: ModuleType, name: str, value: Any) -> bool:
    """Whether a module has another constant of the same kind under this name."""
    name, _, attribute = name.partition(".")
    loaded = vars(module).get(name)
    if attribute:
        loaded = getattr(unwrap(loaded) if callable(loaded) else None, attribute, None)
    is_comparable = type(loaded) is type(value) and isinstance(value, COMPARED)
    return is_comparable and repr(loaded) != repr(value)


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
        function = unwrap(getattr(value, "__func__", getattr(value, "fget", value)))
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
