"""Train a cohort: its trainer, its epochs, and what each of its nets gives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from chainrule._util.pytree import tree_map
from chainrule._util.suggest import did_you_mean
from chainrule.data import Dataset, holdout
from chainrule.data.resampled import ResampledDataset
from chainrule.nn.module import Module
from chainrule.optim.lr_scheduler import ReduceLROnPlateau
from chainrule.recipes.component import build_component
from chainrule.recipes.cost import count_parameters
from chainrule.recipes.errors import StudyError
from chainrule.recipes.recipe import Recipe, ReplicaValues
from chainrule.study.execution.cohorts import CohortJob, training_seeds
from chainrule.study.execution.training.cohort_data import (
    expand_ensemble,
    find_samples,
)
from chainrule.study.execution.training.predictions import add_predictions
from chainrule.study.execution.training.records import make_rows
from chainrule.study.execution.training.stuck import describe_stuck, mark_stuck
from chainrule.study.results.trivial import TRIVIAL, trivial_score
from chainrule.study.round_data import RoundData, study_dtype
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingRecord
from chainrule.train import BackendStatus, EarlyStopping, Trainer
from chainrule.train.metrics.base import Metric
from chainrule.train.metrics.by_sample import TargetUnitMetric

__all__ = ["add_callbacks", "build_cohort_trainer", "find_backend", "train_until"]


def train_until(
    study: Study, samples: RoundData, job: CohortJob, trainer: Trainer, epochs: int
) -> list[TrainingRecord]:
    """The rows of a job's trainings when ``epochs`` are done in all. Raises KeyboardInterrupt."""
    members = job.recipe.ensemble_size
    trainer.state.metrics = metrics_in_units(trainer, samples, job)
    (learned, judged), marks = cohort_data(samples, job, trainer)
    taught = hold_out_watched(study, job, trainer, learned)
    # A schedule that follows the test loss would learn from the test set.
    blind = job.stage == "search" or isinstance(trainer.state.scheduler, ReduceLROnPlateau)
    watched = None if blind else judged
    last = study.selection.average_last if job.stage == "search" else 1
    evaluations = []
    for epoch in range(max(trainer.epoch + 1, epochs - last + 1), epochs + 1):
        if trainer.fit(taught, watched, epochs=epoch, progress=False).interrupted:
            raise KeyboardInterrupt
        outputs = find_outputs(trainer, judged, members, was_watched=watched is judged)
        evaluations.append(measure_trainings(trainer, outputs, judged, members))
    values = {
        name: [*map(fmean, zip(*(e[name] for e in evaluations), strict=True))]
        for name in evaluations[0]
    }
    if job.stage != "search":
        values |= score_trivially(samples, job, learned, judged)
    count = count_parameters(job.recipe) * members
    sizes, status = (len(learned), len(judged)), trainer.backend_status
    rows = make_rows(study, job, trainer.history, values, sizes, count, status)
    rows = mark_stuck(rows, describe_stuck(trainer, learned, outputs), members)
    rows = [replace(row, samples=mark) for row, mark in zip(rows, marks, strict=True)]
    if study.keep == "predictions" and job.stage != "timing":
        return add_predictions(rows, trainer.state.metrics, samples, outputs, judged)
    return rows


def cohort_data(
    samples: RoundData, job: CohortJob, trainer: Trainer
) -> tuple[tuple[Dataset, Dataset], Sequence[dict[str, str]]]:
    """What the job's nets learn from, and are judged on, as their trainer takes it.

    And for each training the digests of its samples.
    """
    sides, marks = find_samples(samples, job)
    learned, judged = (expand_ensemble(side, job.recipe.ensemble_size) for side in sides)
    if trainer.net.replicas is None:
        learned, judged = learned.replica(0), judged.replica(0)
    return (learned, judged), marks


def find_backend(study: Study, samples: RoundData, job: CohortJob) -> BackendStatus:
    """Which way the job would be computed."""
    trainer = build_cohort_trainer(study, job)
    (learned, _), _ = cohort_data(samples, job, trainer)
    return trainer.backend.prepare(trainer.state, hold_out_watched(study, job, trainer, learned))


def hold_out_watched(study: Study, job: CohortJob, trainer: Trainer, learned: Dataset) -> Dataset:
    """What is left to learn from where early stopping holds out what it watches; else all.

    What a training holds out depends on its round and fold, so that arms and candidates hold out
    the same. Raises StudyError where the part would be empty, or no such thing can be watched.
    """
    how = job.recipe.early_stopping
    if how is None:
        return learned
    if how.monitor not in (known := ("loss", *study.metrics)):
        hint = did_you_mean(how.monitor, known)
        raise StudyError(
            f"early_stopping.monitor: {hint}expected one of {', '.join(known)}, got {how.monitor!r}"
        )
    seeds = [
        training_seeds(study, job.stage, training, member)["watched"]
        for training in job.trainings
        for member in range(job.recipe.ensemble_size)
    ]
    try:
        splits = [holdout(len(learned), how.fraction, seed=seed) for seed in seeds]
    except ValueError as error:
        raise StudyError(f"early_stopping.fraction: {error}") from None
    left, watched = (torch.stack(side) for side in zip(*splits, strict=True))
    if len(set(seeds)) == 1:
        left, watched = left[0], watched[0]
    stopping = next((c for c in trainer.callbacks if isinstance(c, EarlyStopping)), None)
    if stopping is None:
        given = how.model_dump(exclude={"fraction"})
        stopping = EarlyStopping(**given, validation=choose_samples(learned, watched))
        trainer.callbacks.append(stopping)
    stopping.validation = choose_samples(learned, watched)
    return choose_samples(learned, left)


def choose_samples(data: Dataset, index: Tensor) -> Dataset:
    """The samples of an index, not copied where replicas have their own."""
    if index.ndim == 2 and not isinstance(data, ResampledDataset):
        return ResampledDataset(data, index)
    return data.subset(index)


def score_trivially(
    samples: RoundData, job: CohortJob, learned: Dataset, judged: Dataset
) -> dict[str, list[float]]:
    """What the trivial answer scores on what each training is judged on; nothing without one."""
    found = samples.trivial_scores  # the same for each arm
    for i, training in enumerate(job.trainings):
        if training.round not in found:
            replica = i * job.recipe.ensemble_size
            parts = [
                part if part.replicas is None else part.replica(replica)
                for part in (learned, judged)
            ]
            unit = samples.unit(training.round)
            found[training.round] = trivial_score(samples.study, *parts, unit=unit)
    scores = [found[training.round] for training in job.trainings]
    known = [score for score in scores if score is not None]
    name = f"{TRIVIAL}{samples.study.metric_name}"
    return {name: known} if len(known) == len(scores) else {}


def metrics_in_units(trainer: Trainer, samples: RoundData, job: CohortJob) -> dict[str, Metric]:
    """The metrics, those that have a unit in that of each replica's target."""
    folds = [t.fold if job.stage == "search" else None for t in job.trainings]
    units = [samples.unit(t.round, f) for t, f in zip(job.trainings, folds, strict=True)]
    unit: float | Tensor = units[0]
    if trainer.net.replicas is not None:
        each = torch.tensor(units, dtype=torch.float64).repeat_interleave(job.recipe.ensemble_size)
        unit = each.to(samples.study.device).reshape(-1, 1, 1)
    return {
        name: metric.with_unit(unit) if isinstance(metric, TargetUnitMetric) else metric
        for name, metric in trainer.state.metrics.items()
    }


def build_cohort_trainer(study: Study, job: CohortJob) -> Trainer:
    """What trains the job: a cohort, or for a training on its own a plain net."""
    members = range(job.recipe.ensemble_size)
    seeds = [training_seeds(study, job.stage, t, m) for t in job.trainings for m in members]
    recipe, numbers = split_common_settings(job)
    net = recipe.make_net().to(study.device, study_dtype(study))
    if study.precision == "bfloat16":
        net.set_matmul_dtype(torch.bfloat16)
    cohort: Module = net if len(seeds) == 1 else net.replicate(len(seeds))
    inits = [s["net"] for s in seeds]
    cohort.initialize(inits, None if recipe.init is None else build_component("init", recipe.init))
    if recipe.trainer.name == "Trainer" and (
        study.compile != "auto" or "compile" not in recipe.trainer.arguments
    ):
        recipe = recipe.with_overrides({"trainer.compile": study.compile})
    return recipe.make_trainer(
        cohort,
        numbers,
        seed=[s["order"] for s in seeds],
        metrics={name: build_component("metric", part) for name, part in study.metrics.items()},
        train_metrics=job.stage != "search",
    )


def add_callbacks(study: Study, job: CohortJob, trainer: Trainer) -> None:
    """Let the study's callbacks look on, and tell them of each replica what it is."""
    trainer.state.context = tuple(
        {
            "study": study.name,
            "arm": job.arm,
            "stage": job.stage,
            "candidate": t.candidate,
            "round": t.round,
            "fold": t.fold,
            "member": member,
        }
        for t in job.trainings
        for member in range(job.recipe.ensemble_size)
    )
    if job.stage != "timing":
        trainer.callbacks.extend(build_component("callback", part) for part in study.callbacks)


def split_common_settings(job: CohortJob) -> tuple[Recipe, ReplicaValues]:
    """The recipe with what all trainings share, and path → a number a replica where they differ."""
    first, members = job.trainings[0].setting, job.recipe.ensemble_size
    values = {path: [t.setting[path] for t in job.trainings] for path in job.paths}
    common = {path: first[path] for path, each in values.items() if len(set(each)) == 1}
    return job.recipe.with_overrides(common), {
        path: torch.tensor(each, dtype=torch.float64).repeat_interleave(members)
        for path, each in values.items()
        if path not in common
    }


def find_outputs(trainer: Trainer, judged: Dataset, members: int, *, was_watched: bool) -> Any:
    """The outputs on what the trainings are judged on; those of an ensemble for each member.

    Of what was watched the last epoch has left them, unless a callback may have changed the net.
    """
    y = trainer.state.test_output if was_watched and not trainer.callbacks else None
    y = trainer.predict(judged) if y is None else y
    return y if members == 1 else tree_map(lambda scores: ensemble_log_probs(scores, members), y)


def measure_trainings(
    trainer: Trainer, outputs: Any, judged: Dataset, members: int
) -> dict[str, list[float]]:
    """Name → the loss or metric of each training, of its outputs."""
    values = trainer.measure(outputs, judged)
    return {name: value.double().reshape(-1)[::members].tolist() for name, value in values.items()}


def ensemble_log_probs(scores: Tensor, members: int) -> Tensor:
    """log of the members' mean class probabilities, for each of them        scores (K, N, L)"""
    each = scores.double().log_softmax(-1)
    shares = each.reshape(-1, members, *each.shape[1:])
    mean = shares.logsumexp(1, keepdim=True) - math.log(members)
    return mean.expand_as(shares).reshape(each.shape).to(scores.dtype)
