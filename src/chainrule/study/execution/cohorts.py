"""Which trainings share a cohort: a job is one cohort, on one worker."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from chainrule import seeds
from chainrule.recipes.cost import count_activations, count_parameters
from chainrule.recipes.recipe import Recipe
from chainrule.study.spec.arms import Arm
from chainrule.study.spec.seeds import round_seed
from chainrule.study.spec.space import Params, is_batchable
from chainrule.study.spec.study import Study
from chainrule.study.store.record import Stage, TrainingKey

__all__ = [
    "CohortJob",
    "Training",
    "build_halving_job",
    "build_jobs",
    "cohort_size_for",
    "training_seeds",
]

CACHE_BYTES = 16 * 2**20
"""What a cohort may touch in each step: parameters, gradients, moments and what its layers put out.

Measured with two convolutions, batch 100: 16 in a cohort took 1.3 to 1.8 times as long as alone."""

FLOAT_BYTES = 4

MAX_REPLICAS = 48
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

    def split(self) -> list[CohortJob]:
        """Its halves; none where there are no two trainings, or halving decides on them."""
        n = len(self.trainings)
        if n < 2 or self.cohorts:
            return []
        return [
            replace(self, trainings=tuple(part))
            for part in split_evenly(self.trainings, n - n // 2)
        ]


def build_jobs(
    arm: Arm,
    stage: Stage,
    trainings: Iterable[Training],
    *,
    sample: Sequence[int],
    cohort_size: int | None = None,
    group_key: Callable[[Training], Hashable] = lambda _: None,
) -> list[CohortJob]:
    """The cohorts of an arm's trainings, which depend on what is declared alone.

    Trainings whose recipes differ in batchable paths only, and whose ``group_key`` is the same
    (samples to learn from), share a cohort, up to ``cohort_size`` of them, or what fits a cache
    with inputs of the shape ``sample``.
    """
    paths = tuple(path for path, dimension in arm.space.items() if is_batchable(path, dimension))
    groups: dict[tuple[str, Hashable], list[Training]] = {}
    recipes: dict[str, Recipe] = {}
    for training in trainings:
        own = {p: v for p, v in training.setting.items() if p not in paths}
        name = repr(sorted(own.items()))
        if name not in recipes:
            recipes[name] = arm.with_overrides(own)
        groups.setdefault((name, group_key(training)), []).append(training)
    return [
        CohortJob(arm.name, stage, recipes[name], paths, tuple(part))
        for (name, _), group in groups.items()
        for part in split_evenly(group, cohort_size or cohort_size_for(recipes[name], sample))
    ]


def build_halving_job(cohorts: Sequence[CohortJob]) -> CohortJob:
    """These cohorts of one search as one job."""
    trainings = tuple(training for cohort in cohorts for training in cohort.trainings)
    return replace(cohorts[0], trainings=trainings, cohorts=tuple(cohorts))


def split_evenly(group: Sequence[Training], max_size: int) -> list[Sequence[Training]]:
    """As few parts as ``max_size`` allows, of sizes that differ by at most one."""
    n = math.ceil(len(group) / max_size)
    ends = [len(group) * i // n for i in range(n + 1)]
    return [group[a:b] for a, b in pairwise(ends)]


def cohort_size_for(recipe: Recipe, sample: Sequence[int]) -> int:
    """How many trainings share a cohort: so many that what a step touches fits a cache."""
    copies = 4 * count_parameters(recipe)  # data, gradient and two moments
    numbers = copies + recipe.batch_size * count_activations(recipe, sample)
    fitting = CACHE_BYTES // (FLOAT_BYTES * numbers)
    return max(1, min(MAX_REPLICAS, fitting) // recipe.ensemble_size)


def training_seeds(study: Study, stage: Stage, training: Training, member: int) -> dict[str, int]:
    """Purpose → seed. Candidates of a round and fold, and arms, have the same."""
    root = round_seed(study, training.round)
    if stage == "search":
        root = seeds.derive(root, "fold", training.fold)
    if member:
        root = seeds.derive(root, "member", member)
    return {purpose: seeds.derive(root, purpose) for purpose in ("net", "order")}
