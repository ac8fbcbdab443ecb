"""What candidates a search tries next, given what is known of the earlier ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chainrule import seeds
from chainrule.study.spec.arms import Arm
from chainrule.study.spec.seeds import round_seed
from chainrule.study.spec.space import Params, grid, random_settings
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingRecord

__all__ = ["count_candidates", "propose_candidates"]


def count_candidates(study: Study, arm: Arm) -> int:
    """How many candidates an arm's search tries."""
    if not arm.space:
        return 1
    if study.search.method == "grid":
        return len(grid(arm.space))
    return study.search.candidates or 1


def propose_candidates(
    study: Study, arm: Arm, r: int, known: Mapping[int, Sequence[TrainingRecord]]
) -> list[Params]:
    """The settings of candidates 0, 1, … as far as they can be said now.

    ``r`` is the round that is searched in, ``known`` candidate → its rows of this search, one a
    split. A fixed, grid or random search says all at once; the others a batch at a time, when all
    earlier ones are known. Whatever was interrupted, the same rows give the same settings.
    """
    n = count_candidates(study, arm)
    if not arm.space:
        return [{}]
    if study.search.method == "grid":
        return list(grid(arm.space))
    seed = seeds.derive(round_seed(study, r), "candidates")
    if study.search.method == "random":
        return list(random_settings(arm.space, n, seed))
    from chainrule.study.search.optuna_search import propose_batches

    return propose_batches(study, arm, n, seed, known)
