"""The names of a package whose files are imported with the first use of one of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["import_when_used"]


def import_when_used(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package (PEP 562).

    ``homes``: a module, ``.module`` within the package → the names that it is the home of, with a
    space between two.
    """
    home = {name: module for module, names in homes.items() for name in names.split()}

    def get_name(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(home[name], package), name)
        setattr(sys.modules[package], name, value)
        return value

    return get_name, lambda: sorted(home)
