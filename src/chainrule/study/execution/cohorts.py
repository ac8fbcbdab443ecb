"""Which trainings share a cohort: a job is one cohort, on one worker.

Trainings of nets of one architecture are one tensor program. Others, in width or depth, batch size
or activation, are programs of their own; a job has several of them, where they are short.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

from chainrule import seeds
from chainrule.recipes.cost import count_activations, count_parameters, training_cost
from chainrule.recipes.recipe import Recipe
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.sections.space import Params, is_batchable
from chainrule.study.spec.seeds import round_seed
from chainrule.study.spec.study import Study
from chainrule.study.store.record import Stage, TrainingKey

__all__ = [
    "MAX_REPLICAS",
    "CohortJob",
    "Training",
    "build_jobs",
    "cohort_size_for",
    "join_programs",
    "pack_programs",
    "split_evenly",
    "training_seeds",
]

T = TypeVar("T")

CACHE_BYTES = 16 * 2**20
"""What a cohort may touch in each step: parameters, gradients, moments and what its layers put out.

Measured with two convolutions, batch 100: 16 in a cohort took 1.3 to 1.8 times as long as alone."""

FLOAT_BYTES = 4

MAX_REPLICAS = 48
"""More replicas than this were never faster, and less is lost when a machine goes down."""

DATA_BYTES = 2**26
"""How much memory a cohort may take for which samples each training has, and for their order."""

JOB_PRODUCTS = 2**36
"""Multiply-adds of a job of several programs, at most: a second or two in the kernel."""

EPOCH_PRODUCTS = 2**25
"""What an epoch of a program takes in any case, in multiply-adds: half a millisecond."""


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

    A ragged one has ``parts`` for which that is true: programs that are trained one after the
    other, or with ``halving`` as one thing, for who goes on depends on all of them. Then ``recipe``
    and ``paths`` are those of the first.
    """

    arm: str
    stage: Stage
    recipe: Recipe
    paths: tuple[str, ...]
    trainings: tuple[Training, ...]
    parts: tuple[CohortJob, ...] = ()
    halving: bool = False

    @property
    def programs(self) -> tuple[CohortJob, ...]:
        """Its parts, or itself where it has none."""
        return self.parts or (self,)

    @property
    def keys(self) -> list[TrainingKey]:
        """What names its trainings."""
        return [
            TrainingKey(self.arm, self.stage, t.candidate, t.round, t.fold) for t in self.trainings
        ]

    def split(self) -> list[CohortJob]:
        """Its parts, or its halves; none of one training, or where halving decides on them."""
        n = len(self.trainings)
        if n < 2 or self.halving:
            return []
        if self.parts:
            return [*self.parts]
        return [
            replace(self, trainings=tuple(part))
            for part in split_evenly(self.trainings, n - n // 2)
        ]

    def without(self, done: Collection[TrainingKey]) -> CohortJob:
        """The job less the trainings that are done; one with halving is done, or it is not."""
        if self.halving and any(key not in done for key in self.keys):
            return self
        if self.parts:
            left = [part.without(done) for part in self.parts]
            return join_programs([part for part in left if part.trainings] or left[:1])
        pairs = zip(self.keys, self.trainings, strict=True)
        return replace(self, trainings=tuple(t for key, t in pairs if key not in done))


def build_jobs(
    arm: Arm,
    stage: Stage,
    trainings: Iterable[Training],
    *,
    sample: Sequence[int],
    cohort_size: int | None = None,
    group_key: Callable[[Training], Hashable] = lambda _: None,
    sample_bytes: Callable[[Training], int] = lambda _: 0,
) -> list[CohortJob]:
    """The cohorts of an arm's trainings, which depend on what is declared alone.

    Trainings whose recipes differ in batchable paths only, and whose ``group_key`` is the same
    (samples to learn from), share a cohort, up to ``cohort_size`` of them, or what fits a cache
    with inputs of the shape ``sample``. ``sample_bytes``: what a net takes for its samples that no
    other of its cohort has, all of them at most ``DATA_BYTES`` unless one training takes more.
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
    jobs: list[CohortJob] = []
    for (name, _), group in groups.items():
        fitting = DATA_BYTES // max(1, sample_bytes(group[0]) * recipes[name].ensemble_size)
        most = min(cohort_size_for(recipes[name], sample), max(1, fitting))
        parts = split_evenly(group, cohort_size or most)
        jobs += [CohortJob(arm.name, stage, recipes[name], paths, tuple(part)) for part in parts]
    return jobs


def join_programs(programs: Sequence[CohortJob], *, halving: bool = False) -> CohortJob:
    """These programs of one arm and stage as one job; one alone is a job as it is."""
    if len(programs) == 1 and not halving:
        return programs[0]
    trainings = tuple(training for program in programs for training in program.trainings)
    return replace(programs[0], trainings=trainings, parts=tuple(programs), halving=halving)


def pack_programs(
    programs: Sequence[CohortJob], shape: Sequence[int], most: int | None, workers: int
) -> list[CohortJob]:
    """Programs that learn from inputs of this shape (N, …) jobs of several.

    Costs add up to ``JOB_PRODUCTS`` at most and leave something for each worker, trainings to
    ``most``; a program that is more than that is a job. How they are packed changes no result.
    """
    costs = [
        len(p.trainings) * training_cost(p.recipe, shape) + EPOCH_PRODUCTS * p.recipe.epochs
        for p in programs
    ]
    limit, most = min(JOB_PRODUCTS, sum(costs) / workers), most or MAX_REPLICAS
    jobs: list[list[CohortJob]] = []
    spent = trainings = math.inf
    for program, cost in zip(programs, costs, strict=True):
        spent, trainings = spent + cost, trainings + len(program.trainings)
        if spent > limit or trainings > most:
            jobs.append([])
            spent, trainings = cost, len(program.trainings)
        jobs[-1].append(program)
    return [*map(join_programs, jobs)]


def split_evenly(group: Sequence[T], max_size: int) -> list[Sequence[T]]:
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
    return {purpose: seeds.derive(root, purpose) for purpose in ("net", "order", "watched")}
