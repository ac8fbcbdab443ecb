"""Whether a function can look at what is trained: then it has to be called step by step."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from torch import Tensor

from chainrule.nn.module import Module
from chainrule.nn.parameter import Buffer
from chainrule.optim import Optimizer
from chainrule.train.state import TrainState, TrainStateView

__all__ = ["is_of_library", "reaches_training"]

TRAINED = (Module, Buffer, Optimizer, TrainState, TrainStateView)
LIBRARIES = frozenset({"chainrule", "numpy", "scipy", "torch", *sys.stdlib_module_names})
"""Whose functions are not looked into: they see what they are given."""
MAX_OBJECTS = 10_000
"""So many are looked at; a function with more in reach is none of a training."""


def reaches_training(f: object, known: object = None) -> bool:
    """Whether a function, or an object that has some, refers to anything that a training moves.

    Looked at are closures, globals by name, defaults, attributes, methods, and what these refer
    to, but for the object that is ``known``.
    """
    seen, left = {id(known)}, [f]
    while left and len(seen) < MAX_OBJECTS:
        value = left.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, TRAINED):
            return True
        left += find_references(value)
    return False


def find_references(value: object) -> list[Any]:
    """What a function, a container or an object refers to."""
    if isinstance(value, FunctionType):
        return find_function_references(value)
    if isinstance(value, MethodType):
        return [value.__self__, value.__func__]
    if isinstance(value, partial):
        return [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, dict):
        return [*value.values()]
    if isinstance(value, list | tuple | set):
        return [*value]
    if isinstance(value, ModuleType | type | Tensor):
        return []
    own = [cls for cls in type(value).__mro__ if not is_of_library(cls)]
    methods = [method for cls in own for method in vars(cls).values()]
    return [*methods, *getattr(value, "__dict__", {}).values()]


def find_function_references(f: FunctionType) -> list[Any]:
    """Of a function that somebody else has written."""
    if is_of_library(f):
        return []
    found: list[Any] = [f.__globals__.get(name) for name in find_names(f.__code__)]
    found += [*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()]
    for cell in f.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:  # it has none yet
            continue
    return found


def is_of_library(value: FunctionType | type) -> bool:
    """Whether a function or a class is none that somebody wrote for this training."""
    return bool(value.__module__) and value.__module__.partition(".")[0] in LIBRARIES


def find_names(code: CodeType) -> Iterator[str]:
    """The names that code, and code within it, looks up."""
    yield from code.co_names
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from find_names(part)
