"""Python classes as C++ declarations and as ctypes types: what the kernel is handed is said once.

A field is an ``int``, a ``float``, a ``bool``, an IntEnum, another structure, or a tensor of whole
numbers, of which the kernel is given the address. Any other address is an ``Annotated[int | None,
"const double *"]``, which says how C++ declares it.
"""

from __future__ import annotations

import ctypes
import re
import typing
from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum
from inspect import getdoc
from operator import attrgetter
from typing import Annotated, Any, NamedTuple, TypeVar

from torch import Tensor

__all__ = ["declare", "fields", "native_type", "snake_case", "structure", "to_native"]

Struct = TypeVar("Struct", bound=ctypes.Structure)
SCALARS: dict[object, tuple[str, Any]] = {
    int: ("int64_t", ctypes.c_int64),
    float: ("double", ctypes.c_double),
    bool: ("bool", ctypes.c_bool),
    Tensor: ("const int64_t *", ctypes.c_void_p),
}


class Field(NamedTuple):
    """A field of a structure: its name, and its type in C++ and in ctypes."""

    name: str
    declaration: str
    ctype: Any


class Twin(NamedTuple):
    """A dataclass in ctypes, what reads all its fields, and which of them are tensors."""

    ctype: type[ctypes.Structure]
    read_fields: Callable[[object], tuple[Any, ...]]
    pointers: list[int]


TWINS: dict[type, Twin] = {}


def fields(cls: type) -> tuple[Field, ...]:
    """The fields of a class, from its annotations."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return tuple(Field(name, *field_type(hint)) for name, hint in hints.items())


def field_type(hint: Any) -> tuple[str, Any]:
    """An annotation in C++ and in ctypes. Raises TypeError for what has no form there."""
    if typing.get_origin(hint) is Annotated:
        base, declaration = typing.get_args(hint)
        return declaration, ctypes.c_int64 if base is int else ctypes.c_void_p
    if hint in SCALARS:
        return SCALARS[hint]
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return hint.__name__, ctypes.c_int64
    if isinstance(hint, type) and issubclass(hint, ctypes.Structure | ctypes.Union):
        return hint.__name__, hint
    raise TypeError(f"no C++ type for {hint}")


def structure(cls: type[Struct]) -> type[Struct]:
    """Give a ctypes.Structure the fields of its annotations."""
    cls._fields_ = [(field.name, field.ctype) for field in fields(cls)]
    return cls


def native_type(cls: type) -> type[ctypes.Structure]:
    """The ctypes twin of a dataclass."""
    return native_twin(cls).ctype


def native_twin(cls: type) -> Twin:
    """The twin of a dataclass, made when it is first asked for."""
    if cls not in TWINS:
        pairs = [(field.name, field.ctype) for field in fields(cls)]
        pointers = [i for i, (_, ctype) in enumerate(pairs) if ctype is ctypes.c_void_p]
        ctype = type(cls.__name__, (ctypes.Structure,), {"_fields_": pairs})
        TWINS[cls] = Twin(ctype, attrgetter(*(name for name, _ in pairs)), pointers)
    return TWINS[cls]


def to_native(value: object) -> ctypes.Structure:
    """A dataclass as its ctypes twin; tensors go by address, and have to be kept by the caller."""
    twin = native_twin(type(value))
    members = [*twin.read_fields(value)]
    for i in twin.pointers:
        members[i] = None if members[i] is None else members[i].data_ptr()
    return twin.ctype(*members)


def snake_case(name: str) -> str:
    """OneHot as one_hot."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def declare(cls: type) -> str:
    """An enum or a structure in C++, its docstring as a comment."""
    comment = "".join(f"// {line}".rstrip() + "\n" for line in (getdoc(cls) or "").splitlines())
    if issubclass(cls, IntEnum):
        values = ", ".join(f"{member.name} = {member.value}" for member in cls)
        return f"{comment}enum class {cls.__name__} : int64_t {{ {values} }};\n"
    return f"{comment}struct {cls.__name__} {{\n{''.join(declare_fields(fields(cls)))}}};\n"


def declare_fields(members: Iterable[Field]) -> Iterator[str]:
    """The lines of a structure."""
    for name, declaration, _ in members:
        space = "" if declaration.endswith("*") else " "
        yield f"    {declaration}{space}{name};\n"
