"""What candidates a search tries next, given what is known of the earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from chainrule import seeds
from chainrule.recipes.errors import StudyError
from chainrule.study.search.budget import draw_within_budget, explain_budget, fits_budget
from chainrule.study.search.model_search import ModelSearch, SettingModel
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.sections.space import Params, grid
from chainrule.study.spec.seeds import round_seed
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingRecord

__all__ = ["count_candidates", "make_proposer"]

Known = Mapping[int, Sequence[TrainingRecord]]
"""Candidate → its rows, one a split."""


def count_candidates(study: Study, arm: Arm) -> int:
    """How many candidates an arm's search tries."""
    if not arm.space:
        return 1
    if study.search.method == "grid":
        return len(grid_candidates(study, arm))
    return study.search.candidates or 1


def grid_candidates(study: Study, arm: Arm) -> list[Params]:
    """Every combination whose net is as large as it may be. Raises StudyError for none."""
    found: list[Params] = [
        setting for setting in grid(arm.space) if fits_budget(study, arm, setting)
    ]
    if not found:
        raise StudyError(explain_budget(study, arm))
    return found


def make_proposer(study: Study, arm: Arm, r: int) -> Callable[[Known], Sequence[Params]]:
    """What says the settings of candidates 0, 1, … of the search in round r, as far as they can be.

    It is given candidate → its rows of this search, one a split. A fixed, grid or random search
    says all at once; the others a batch at a time, when all earlier ones are known. Whatever was
    interrupted, the same rows give the same settings.
    """
    n = count_candidates(study, arm)
    settings: list[Params] = [{}]
    if arm.space and study.search.method == "grid":
        settings = grid_candidates(study, arm)
    elif arm.space:
        seed = seeds.derive(round_seed(study, r), "candidates")
        if study.search.method != "random":
            return ModelSearch(study, arm, n, seed, make_model(study, arm)).propose
        settings = draw_within_budget(study, arm, n, seed)
    return lambda _: settings


def make_model(study: Study, arm: Arm) -> SettingModel:
    """What proposes the settings of a search with the method ``tpe`` or ``gp``."""
    if study.search.method == "tpe":
        from chainrule.study.search.tpe import TreeModel  # with numpy

        return TreeModel(study, arm)
    from chainrule.study.search.optuna_search import OptunaModel

    return OptunaModel(study, arm)
