"""One net on somebody's data: from samples as they were read to a fitted predictor.

``load_split`` reads samples and divides them, ``build_recipe`` and ``build_trainer`` make what
trains a net on them, ``fit_predictor`` trains it and gives it back as a ``Predictor``, with all
that it takes to predict. What each name stands for, and torch with it, is imported when it is first
used.
"""

from typing import TYPE_CHECKING

from chainrule._util.lazy_names import import_when_used

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
else:
    __getattr__, __dir__ = import_when_used(
        __name__,
        {
            ".build": "build_recipe build_trainer infer_net_sizes load_data load_split",
            ".fit": "FitResult check_fit fit_predictor fit_with_early_stopping loss_for",
            ".inspection": (
                "NetWithBatch built_in_net find_net net_on_data net_to_check saved_net "
                "stats_by_init"
            ),
            ".predictor": "Predictor",
            ".split": "DataSplit",
            ".summary": "describe_split summarize_fit",
        },
    )

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
