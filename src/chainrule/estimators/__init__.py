"""One net on somebody's data: from samples as they were read to a fitted predictor.

What each name stands for, and torch with it, is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.estimators.fit import FitResult, check_fit, fit_with_early_stopping, loss_for
    from chainrule.estimators.predictor import Predictor
    from chainrule.estimators.split import DataSplit

__all__ = [
    "DataSplit",
    "FitResult",
    "Predictor",
    "check_fit",
    "fit_with_early_stopping",
    "loss_for",
]

_HOME = {"DataSplit": "split", "Predictor": "predictor"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'chainrule.estimators' has no attribute {name!r}")
    return getattr(import_module(f"chainrule.estimators.{_HOME.get(name, 'fit')}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
