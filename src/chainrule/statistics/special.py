"""The compiled functions of ``scipy.special``, loaded when one of them is first asked for.

The package around them reads their documentation and imports what other libraries of arrays need,
which took a quarter of a short command's time. It is left out, and whole for whoever imports it.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

__all__: list[str] = []

PACKAGE = "scipy.special"


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    function = globals()[name] = getattr(load_functions(), name)
    return function


@cache
def load_functions() -> ModuleType:
    """The compiled module; the package where it is loaded, or has none of this name."""
    import scipy

    if PACKAGE in sys.modules:
        return sys.modules[PACKAGE]
    stand_in = sys.modules[PACKAGE] = StandIn(PACKAGE)
    stand_in.__path__ = [str(Path(scipy.__file__).with_name("special"))]
    try:
        with suppress(ImportError):
            return import_module(f"{PACKAGE}._ufuncs")
    finally:
        stand_in.leave()
    return import_module(PACKAGE)


class StandIn(ModuleType):
    """In the package's place while its compiled module is loaded.

    Another thread that imports the package meanwhile has this one, which has what that has.
    """

    def leave(self) -> None:
        """Let the next who imports the package have it."""
        if sys.modules.get(PACKAGE) is self:
            del sys.modules[PACKAGE]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self.leave()
        return getattr(import_module(PACKAGE), name)
