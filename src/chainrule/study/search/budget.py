"""How many parameters a candidate's nets may have."""

from __future__ import annotations

from itertools import count, islice

from chainrule import seeds
from chainrule.recipes.errors import StudyError
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.sections.space import Params, random_settings
from chainrule.study.spec.study import Study

__all__ = ["draw_within_budget", "explain_budget", "fits_budget"]

MAX_DRAWS = 1000
"""So many random draws are looked at for one candidate whose net is as large as it may be."""


def fits_budget(study: Study, arm: Arm, setting: Params) -> bool:
    """Whether the nets of a candidate have as many parameters as the study allows."""
    if study.search.parameter_bounds is None:
        return True
    low, high = study.search.parameter_bounds
    return low <= count_candidate(arm, setting) <= high


def count_candidate(arm: Arm, setting: Params) -> int:
    """The parameters of a candidate's nets, all members of an ensemble together."""
    from chainrule.recipes.cost import count_parameters  # it makes the net, which needs torch

    recipe = arm.with_overrides(setting)
    return count_parameters(recipe) * recipe.ensemble_size


def draw_within_budget(study: Study, arm: Arm, n: int, seed: int) -> list[Params]:
    """n independent draws whose nets are as large as they may be.

    Draw i depends on the seed and i alone; where its first net is too small or too large, others
    are drawn in its place. Raises StudyError where none is found.
    """
    drawn = random_settings(arm.space, n, seed)
    return [
        setting if fits_budget(study, arm, setting) else draw_instead(study, arm, seed, i)
        for i, setting in enumerate(drawn)
    ]


def draw_instead(study: Study, arm: Arm, seed: int, i: int) -> Params:
    """Another draw in the place of number i."""
    for attempt in islice(count(1), MAX_DRAWS):
        (setting,) = random_settings(arm.space, 1, seeds.derive(seed, "attempt", i, attempt))
        if fits_budget(study, arm, setting):
            return setting
    raise StudyError(explain_budget(study, arm))


def explain_budget(study: Study, arm: Arm) -> str:
    """A sentence: no candidate was found, and how large those are that were looked at."""
    settings = random_settings(arm.space, 100, 0)
    sizes = sorted(count_candidate(arm, setting) for setting in settings)
    return (
        f"search.parameters: arm {arm.name} has no candidate with {study.search.parameters} "
        f"parameters; of {len(sizes)} drawn the nets have {sizes[0]:,} to {sizes[-1]:,}"
    )
