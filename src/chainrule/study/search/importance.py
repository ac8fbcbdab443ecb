"""Which of the searched settings mattered: PED-ANOVA, as Optuna has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chainrule.recipes.errors import StudyError
from chainrule.study.search.optuna_search import (
    encode_value,
    import_optuna,
    make_distribution,
    quiet_optuna,
)
from chainrule.study.spec.sections.space import Dimension, Params

__all__ = ["setting_importances"]


def setting_importances(
    space: Mapping[str, Dimension],
    candidates: Sequence[tuple[Params, float]],
    *,
    maximize: bool,
) -> dict[str, float]:
    """Path → its importance for being among the best tenth of these (setting, value), sum 1.

    Optuna's PED-ANOVA: how far the values that a path has among the best tenth are from those that
    it has among all (Watanabe, Bansal and Hutter, PED-ANOVA: efficiently quantifying
    hyperparameter importance in arbitrary subspaces, 2023). Paths with one value have 0.

    Raises StudyError for fewer than two candidates, no path that varies, or without Optuna.
    """
    varied = [p for p in space if len({repr(setting[p]) for setting, _ in candidates}) > 1]
    if len(candidates) < 2 or not varied:
        raise StudyError("importance: expected two candidates or more that differ in a setting")
    optuna = import_optuna("the importance of settings needs")
    kinds = {path: make_distribution(optuna, dimension) for path, dimension in space.items()}
    with quiet_optuna(optuna):
        study = optuna.create_study(direction="maximize" if maximize else "minimize")
        for setting, value in candidates:
            codes = {path: encode_value(space[path], setting[path]) for path in space}
            trial = optuna.create_trial(params=codes, distributions=kinds, value=value)
            study.add_trial(trial)
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {path: float(found.get(path, 0.0)) for path in space}
