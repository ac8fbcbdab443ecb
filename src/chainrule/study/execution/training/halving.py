"""Successive halving: all of a search's candidates begin, the better ones go on.

Jamieson and Talwalkar, Non-stochastic best arm identification and hyperparameter optimization,
2016.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import final

import torch

from chainrule._util.user_code import describe_error
from chainrule.study.execution.cohorts import CohortJob
from chainrule.study.execution.training.records import make_failed_rows
from chainrule.study.execution.training.train_cohort import (
    add_callbacks,
    build_cohort_trainer,
    train_until,
)
from chainrule.study.round_data import RoundData
from chainrule.study.search import selection
from chainrule.study.spec.sections import Halving
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingRecord
from chainrule.train import Trainer

__all__ = ["run_halving", "rungs"]


def run_halving(study: Study, data: RoundData, job: CohortJob) -> list[TrainingRecord]:
    """The rows of a search: its cohorts are trained from rung to rung, smaller each time.

    A candidate that does not go on has the rows of its last rung, with status ``stopped``, or
    ``diverged`` or ``failed`` where it did. A row's seconds over its cohort size are its share of
    the time that its cohort took, rung by rung. Raises KeyboardInterrupt; ValueError where none is
    declared.
    """
    halving = study.search.halving
    if halving is None:
        raise ValueError(f"study {study.name} declares no halving")
    cohorts = [HalvingCohort(study, data, cohort) for cohort in job.programs]
    ended: list[TrainingRecord] = []
    *earlier, last = rungs(halving, job.recipe.epochs)
    for epochs in earlier:
        rows, cohorts = train_cohorts(cohorts, epochs)
        better = surviving_candidates(
            study, selection.group_by_candidate(rows)[rows[0].round], halving.factor
        )
        ended += [
            mark_stopped(row)
            for row in rows
            if row.candidate not in better or row.status == "failed"
        ]
        cohorts = [cohort for cohort in cohorts if cohort.keep_candidates(better)]
    return ended + train_cohorts(cohorts, last)[0]


def train_cohorts(
    cohorts: Sequence[HalvingCohort], epochs: int
) -> tuple[list[TrainingRecord], list[HalvingCohort]]:
    """The rows when so many epochs are done, and the cohorts that did not fail.

    One that fails in its first epochs is halved, until it is known which training it was.
    """
    rows: list[TrainingRecord] = []
    left: list[HalvingCohort] = []
    for cohort in cohorts:
        try:
            trained, kept = cohort.train_until(epochs), [cohort]
        except Exception as error:  # whatever a function of the user raises
            if halves := cohort.split():
                trained, kept = train_cohorts(halves, epochs)
            else:
                trained, kept = make_failed_rows(cohort.job, describe_error(error)), []
        rows += trained
        left += kept
    return rows, left


def rungs(halving: Halving, epochs: int) -> Iterator[int]:
    """After how many epochs candidates are judged: the first, times factor each time, and all."""
    rung = halving.min_epochs
    while rung < epochs:
        yield rung
        rung *= halving.factor
    yield epochs


def surviving_candidates(
    study: Study, judged: Mapping[int, Sequence[TrainingRecord]], factor: int
) -> set[int]:
    """The better 1/factor of the candidates, at least one, by the mean over their splits.

    Of equal ones those with the smaller number; one that diverged is worse than any other.
    """

    def rank(candidate: int) -> tuple[int, float, int]:
        fine, value = selection.candidate_score(study, judged[candidate])
        return -fine, -value, candidate

    return set(sorted(judged, key=rank)[: math.ceil(len(judged) / factor)])


def mark_stopped(row: TrainingRecord) -> TrainingRecord:
    """The row of a training that does not go on."""
    return replace(row, status="stopped", predictions=b"") if row.has_value else row


@final
class HalvingCohort:
    """A cohort under way: what is left of its job, its trainer, and the time that each took."""

    def __init__(self, study: Study, samples: RoundData, job: CohortJob) -> None:
        self.study, self.samples, self.job = study, samples, job
        self.share = self.before = 0.0

    @cached_property
    def trainer(self) -> Trainer:
        """What trains it."""
        trainer = build_cohort_trainer(self.study, self.job)
        add_callbacks(self.study, self.job, trainer)
        return trainer

    def split(self) -> list[HalvingCohort]:
        """Its halves, to be trained from the start; none where it is one training, or has begun."""
        jobs = [] if self.before else self.job.split()
        return [HalvingCohort(self.study, self.samples, job) for job in jobs]

    def train_until(self, epochs: int) -> list[TrainingRecord]:
        """The rows when so many epochs are done."""
        rows = train_until(self.study, self.samples, self.job, self.trainer, epochs)
        seconds, width = self.trainer.history.seconds, len(self.job.trainings)
        self.share, self.before = self.share + (seconds - self.before) / width, seconds
        return [replace(row, seconds=self.share * width) for row in rows]

    def keep_candidates(self, candidates: set[int]) -> bool:
        """Go on with these candidates alone; whether there are any."""
        members, trainings = self.job.recipe.ensemble_size, self.job.trainings
        going = [i for i, t in enumerate(trainings) if t.candidate in candidates]
        if going and len(going) < len(trainings):
            replicas = torch.tensor(going).unsqueeze(1) * members + torch.arange(members)
            self.trainer.state.keep_replicas(replicas.flatten())
            self.job = replace(self.job, trainings=tuple(trainings[i] for i in going))
        return bool(going)
