"""One net on somebody's data: from samples as they were read to a fitted predictor.

``load_split`` reads samples and divides them, ``build_recipe`` and ``build_trainer`` make what
trains a net on them, ``fit_predictor`` trains it and gives it back as a ``Predictor``, with all
that it takes to predict. What each name stands for, and torch with it, is imported when it is first
used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.estimators.build import (
        build_recipe,
        build_trainer,
        infer_net_sizes,
        load_data,
        load_split,
    )
    from chainrule.estimators.fit import (
        FitResult,
        check_fit,
        fit_predictor,
        fit_with_early_stopping,
        loss_for,
    )
    from chainrule.estimators.inspection import (
        NetWithBatch,
        built_in_net,
        find_net,
        net_on_data,
        net_to_check,
        saved_net,
        stats_by_init,
    )
    from chainrule.estimators.predictor import Predictor
    from chainrule.estimators.split import DataSplit
    from chainrule.estimators.summary import describe_split, summarize_fit

_MODULES = {
    "build": ("build_recipe", "build_trainer", "infer_net_sizes", "load_data", "load_split"),
    "fit": ("FitResult", "check_fit", "fit_predictor", "fit_with_early_stopping", "loss_for"),
    "inspection": (
        *("NetWithBatch", "built_in_net", "find_net", "net_on_data", "net_to_check"),
        *("saved_net", "stats_by_init"),
    ),
    "predictor": ("Predictor",),
    "split": ("DataSplit",),
    "summary": ("describe_split", "summarize_fit"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "DataSplit",
    "FitResult",
    "NetWithBatch",
    "Predictor",
    "build_recipe",
    "build_trainer",
    "built_in_net",
    "check_fit",
    "describe_split",
    "find_net",
    "fit_predictor",
    "fit_with_early_stopping",
    "infer_net_sizes",
    "load_data",
    "load_split",
    "loss_for",
    "net_on_data",
    "net_to_check",
    "saved_net",
    "stats_by_init",
    "summarize_fit",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'chainrule.estimators' has no attribute {name!r}")
    return getattr(import_module(f"chainrule.estimators.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
