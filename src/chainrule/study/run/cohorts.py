"""Which trainings share a cohort: a job is one cohort, on one worker."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from chainrule.recipes.cost import activations, parameters
from chainrule.recipes.recipe import Recipe
from chainrule.study.spec.arms import Arm
from chainrule.study.spec.space import Params, is_batchable
from chainrule.study.store.record import Stage, TrainingKey

__all__ = ["CohortJob", "Training", "cohort_size_for", "jobs_of", "race_of"]

CACHE_BYTES = 16 * 2**20
"""What a cohort may touch in each step: parameters, gradients, moments and what its layers put out.

Measured with two convolutions, batch 100: 16 in a cohort took 1.3 to 1.8 times as long as alone."""

WIDEST = 48
"""More replicas than this were never faster, and less is lost when a machine goes down."""


@dataclass(frozen=True)
class Training:
    """One of a cohort: which candidate, in which round and fold."""

    candidate: int
    setting: Params
    round: int
    fold: int


@dataclass(frozen=True, eq=False)
class CohortJob:
    """A cohort to be trained: everything but ``paths`` is the same for all its trainings.

    Or the ``cohorts`` of a search with successive halving, which are trained as one thing, for who
    goes on depends on all of them; then ``recipe`` and ``paths`` are those of the first.
    """

    arm: str
    stage: Stage
    recipe: Recipe
    paths: tuple[str, ...]
    trainings: tuple[Training, ...]
    cohorts: tuple[CohortJob, ...] = ()

    @property
    def keys(self) -> list[TrainingKey]:
        """What names its trainings."""
        return [
            TrainingKey(self.arm, self.stage, t.candidate, t.round, t.fold) for t in self.trainings
        ]


def jobs_of(
    arm: Arm,
    stage: Stage,
    trainings: Iterable[Training],
    *,
    sample: Sequence[int],
    width: int | None = None,
    apart: Callable[[Training], Hashable] = lambda _: None,
) -> list[CohortJob]:
    """The cohorts of an arm's trainings, which depend on what is declared alone.

    Trainings whose recipes differ in shared paths only, and for which ``apart`` says the same
    (samples to learn from), share a cohort, up to ``width`` of them, or what fits a cache
    with inputs of the shape ``sample``.
    """
    paths = tuple(path for path, dimension in arm.space.items() if is_batchable(path, dimension))
    groups: dict[tuple[str, Hashable], list[Training]] = {}
    recipes: dict[str, Recipe] = {}
    for training in trainings:
        own = {p: v for p, v in training.setting.items() if p not in paths}
        shown = repr(sorted(own.items()))
        if shown not in recipes:
            recipes[shown] = arm.with_overrides(own)
        groups.setdefault((shown, apart(training)), []).append(training)
    return [
        CohortJob(arm.name, stage, recipes[shown], paths, tuple(part))
        for (shown, _), group in groups.items()
        for part in evenly(group, width or cohort_size_for(recipes[shown], sample))
    ]


def race_of(cohorts: Sequence[CohortJob]) -> CohortJob:
    """These cohorts of one search as one job."""
    trainings = tuple(training for cohort in cohorts for training in cohort.trainings)
    return replace(cohorts[0], trainings=trainings, cohorts=tuple(cohorts))


def evenly(group: Sequence[Training], width: int) -> list[Sequence[Training]]:
    """As few parts as the width allows, of sizes that differ by at most one."""
    n = math.ceil(len(group) / width)
    ends = [len(group) * i // n for i in range(n + 1)]
    return [group[a:b] for a, b in pairwise(ends)]


def cohort_size_for(recipe: Recipe, sample: Sequence[int]) -> int:
    """How many trainings share a cohort: so many that what a step touches fits a cache."""
    copies = 4 * parameters(recipe)  # data, gradient and two moments
    touched = 4 * (copies + recipe.batch_size * activations(recipe, sample))  # four bytes each
    return max(1, min(WIDEST, CACHE_BYTES // touched) // recipe.members)
