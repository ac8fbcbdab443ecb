"""What a cohort asks of a machine: steps, products, memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

from chainrule.data.resampled import input_shape
from chainrule.recipes.cost import PASSES, count_activations, count_parameters, training_cost
from chainrule.study.execution.cohorts import CohortJob
from chainrule.study.execution.training.halving import rungs
from chainrule.study.round_data import RoundData
from chainrule.study.search.candidates import count_candidates
from chainrule.study.search.racing import count_race_trainings
from chainrule.study.spec.study import Study

__all__ = ["Workload", "WorkloadEstimator"]

DataSizes = tuple[int, int, tuple[int, ...]]
"""Samples learned from, samples judged on, the shape of one."""

COPIES = 5
"""Of each parameter: data, gradient, two moments, and what an interrupt goes back to."""


@dataclass(frozen=True)
class Workload:
    """A cohort: its trainings, steps and multiply-adds, the numbers it learns, and its memory."""

    job: CohortJob
    steps: int
    products: float
    bytes: int

    @property
    def cohort_size(self) -> int:
        """How many trainings."""
        return len(self.job.trainings)

    @property
    def parameters(self) -> int:
        """Of one training, all members."""
        return count_parameters(self.job.recipe) * self.job.recipe.ensemble_size


@final
class WorkloadEstimator:
    """The loads of a study's cohorts; ``samples`` says how many samples each learns from."""

    def __init__(self, study: Study, samples: RoundData) -> None:
        self.study, self.samples = study, samples
        self._sizes: dict[tuple[bool, int, int], DataSizes] = {}

    def estimate(self, job: CohortJob) -> Workload:
        """What a cohort asks for; halving is taken into its products."""
        n, judged, sample = self._data_sizes(job)
        recipe, width = job.recipe, len(job.trainings)
        learning = training_cost(recipe, (n, *sample)) * trained_fraction(self.study, job)
        followed = 0 if job.stage == "search" else judged / (PASSES * n)
        return Workload(
            job,
            steps=recipe.epochs * math.ceil(n / recipe.batch_size),
            products=width * learning * (1 + followed),
            bytes=cohort_bytes(self.study, job, n, judged, sample),
        )

    def _data_sizes(self, job: CohortJob) -> DataSizes:
        """Rounds differ in folds alone."""
        first, search = job.trainings[0], job.stage == "search"
        r = first.round if self.study.data.rounds == "folds" else min(first.round, 0)
        key = search, r, first.fold
        if key not in self._sizes:
            of = self.samples
            learned, judged = of.raw_fold(r, first.fold) if search else of.raw_final(r)
            self._sizes[key] = len(learned), len(judged), input_shape(learned)[1:]
        return self._sizes[key]


def trained_fraction(study: Study, job: CohortJob) -> float:
    """How much of its candidates' epochs a search trains: 1 without halving, and without a race."""
    halving, epochs = study.search.halving, job.recipe.epochs
    if job.stage != "search":
        return 1.0
    if study.search.race:
        n = count_candidates(study, next(a for a in study.all_arms if a.name == job.arm))
        return count_race_trainings(study, n) / (n * study.selection.splits)
    if halving is None:
        return 1.0
    done, going, total = 0, 1.0, 0.0
    for rung in rungs(halving, epochs):
        total += going * (rung - done)
        done, going = rung, going / halving.factor
    return total / epochs


def cohort_bytes(study: Study, job: CohortJob, n: int, judged: int, sample: tuple[int, ...]) -> int:
    """Bytes: parameters, what a batch leaves for its chain rule, and the data of each round."""
    size = 8 if study.precision == "float64" else 4
    nets = len(job.trainings) * job.recipe.ensemble_size
    held = 2 * min(job.recipe.batch_size, n) * count_activations(job.recipe, sample)
    rounds = len({t.round for t in job.trainings}) if study.data.rounds != "fixed" else 1
    numbers = (n + judged) * math.prod(sample)
    return size * (nets * (COPIES * count_parameters(job.recipe) + held) + rounds * numbers)
