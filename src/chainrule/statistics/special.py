"""``scipy.special``, loaded when one of its functions is first asked for, and with less beside it.

It copies every name that NumPy has, and so imports a compiler of Fortran and a test suite, which
takes a tenth of a short command's time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

__all__: list[str] = []

UNUSED = ("f2py", "testing")


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    with hide_unused():
        module = import_module("scipy.special")
    function = globals()[name] = getattr(module, name)
    return function


@contextmanager
def hide_unused() -> Iterator[None]:
    """Whoever asks NumPy for these modules in here gets an empty one, unless they are loaded."""
    import numpy as np

    empty = {name: ModuleType(name) for name in UNUSED if f"numpy.{name}" not in sys.modules}
    vars(np).update(empty)
    try:
        yield
    finally:
        for name, module in empty.items():
            if vars(np)[name] is module:
                delattr(np, name)
