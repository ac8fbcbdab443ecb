"""A deep-learning framework whose gradients you can read.

``import chainrule`` costs next to nothing by itself: a submodule, and with it torch, is
imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from chainrule._version import __version__ as __version__

if TYPE_CHECKING:
    from chainrule import (
        data,
        errors,
        estimators,
        interop,
        nn,
        optim,
        report,
        seeds,
        statistics,
        study,
        train,
        zoo,
    )
    from chainrule.nn.inspect.gradcheck import gradcheck
    from chainrule.serialization.folder import save_folder
    from chainrule.serialization.nets import load, save

__all__ = [
    "data",
    "errors",
    "estimators",
    "gradcheck",
    "interop",
    "load",
    "nn",
    "optim",
    "report",
    "save",
    "save_folder",
    "seeds",
    "statistics",
    "study",
    "train",
    "zoo",
]

_HOME = {
    "gradcheck": "chainrule.nn.inspect.gradcheck",
    "load": "chainrule.serialization.nets",
    "save": "chainrule.serialization.nets",
    "save_folder": "chainrule.serialization.folder",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'chainrule' has no attribute {name!r}")
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    return import_module(f"chainrule.{name}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
