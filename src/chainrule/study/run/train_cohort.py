"""Train a cohort: one job, from its declaration to its rows."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from chainrule import seeds
from chainrule._util.pytree import named_leaves, tree_map
from chainrule.data import Dataset
from chainrule.nn.module import Module
from chainrule.optim.lr_scheduler import ReduceLROnPlateau
from chainrule.recipes.component import build
from chainrule.recipes.cost import parameters
from chainrule.recipes.recipe import Numbers, Recipe
from chainrule.study.round_data import Samples, dtype_of, root_of
from chainrule.study.run.cohorts import CohortJob, Training
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingRecord
from chainrule.train import History, Trainer, save
from chainrule.train.metrics import Metric, TargetUnitMetric

__all__ = ["train", "train_until", "trainer_of"]


def train(declared: str, job: CohortJob, nets: str | None = None) -> list[TrainingRecord]:
    """The rows of a job's trainings. ``declared`` is the study as JSON text.

    ``nets`` is a folder for the final nets. Raises KeyboardInterrupt where the training was
    interrupted: a job is done or it is not.
    """
    study, samples = load_study_cached(declared)
    if job.cohorts:
        from chainrule.study.run.halving import (
            run_halving,  # which trains cohorts by what is in this module
        )

        return run_halving(study, samples, job)
    trainer = trainer_of(study, job)
    rows = train_until(study, samples, job, trainer, job.recipe.epochs)
    if nets is not None and job.stage == "final":
        save_nets(trainer.net, job, Path(nets))
    return rows


def train_until(
    study: Study, samples: Samples, job: CohortJob, trainer: Trainer, epochs: int
) -> list[TrainingRecord]:
    """The rows of a job's trainings when ``epochs`` are done in all. Raises KeyboardInterrupt."""
    members = job.recipe.members
    parts = [samples_of(samples, job, t) for t in job.trainings]
    trainer.state.metrics = in_units(trainer, samples, job)
    learned, judged = (
        each_member(stack_datasets(side), members) for side in zip(*parts, strict=True)
    )
    if trainer.net.replicas is None:
        learned, judged = learned.replica(0), judged.replica(0)
    # A schedule that follows the test loss would learn from the test set.
    blind = job.stage == "search" or isinstance(trainer.state.scheduler, ReduceLROnPlateau)
    followed = None if blind else judged
    last = study.selection.last if job.stage == "search" else 1
    found = []
    for epoch in range(max(trainer.epoch + 1, epochs - last + 1), epochs + 1):
        if trainer.fit(learned, followed, epochs=epoch, progress=False).interrupted:
            raise KeyboardInterrupt
        found.append(evaluate_trainings(trainer, judged, members))
    values = {name: [*map(fmean, zip(*(f[name] for f in found), strict=True))] for name in found[0]}
    count = parameters(job.recipe) * members
    return make_rows(study, job, trainer.history, values, (len(learned), len(judged)), count)


@lru_cache(maxsize=2)
def load_study_cached(declared: str) -> tuple[Study, Samples]:
    """The study of a JSON text and its samples; kept, for a worker trains many of its cohorts."""
    study = Study.model_validate_json(declared)
    return study, Samples(study)


def samples_of(samples: Samples, job: CohortJob, training: Training) -> tuple[Dataset, Dataset]:
    """What a training learns from, and what it is judged on."""
    if job.stage == "search":
        return samples.fold(training.round, training.fold)
    return samples.final(training.round)


def in_units(trainer: Trainer, samples: Samples, job: CohortJob) -> dict[str, Metric]:
    """The metrics, those that have a unit in that of each replica's target."""
    folds = [t.fold if job.stage == "search" else None for t in job.trainings]
    units = [samples.unit(t.round, f) for t, f in zip(job.trainings, folds, strict=True)]
    unit: float | Tensor = units[0]
    if trainer.net.replicas is not None:
        each = torch.tensor(units, dtype=torch.float64).repeat_interleave(job.recipe.members)
        unit = each.to(samples.study.device).reshape(-1, 1, 1)
    return {
        name: metric.with_unit(unit) if isinstance(metric, TargetUnitMetric) else metric
        for name, metric in trainer.state.metrics.items()
    }


def stack_datasets(parts: Sequence[Dataset]) -> Dataset:
    """Plain data sets as one with a replica each; one for all where they are all the same."""
    first = parts[0]
    if all(part is first or same(part, first) for part in parts):
        return Dataset(first.inputs[None], tree_map(lambda t: t[None], first.targets), len(parts))
    return Dataset.stack(parts)


def same(a: Dataset, b: Dataset) -> bool:
    """Whether two data sets have the very same samples."""
    pairs = zip(tensors(a), tensors(b), strict=True)
    return all(x.shape == y.shape and torch.equal(x, y) for x, y in pairs)


def tensors(data: Dataset) -> list[Tensor]:
    """Its inputs and targets."""
    return [t for _, t in named_leaves((data.inputs, data.targets))]


def each_member(data: Dataset, members: int) -> Dataset:
    """Each replica's data for all the members of its ensemble, which lie next to each other."""
    K = (data.replicas or 1) * members

    def wide(t: Tensor) -> Tensor:
        return t if t.shape[0] == 1 else t.repeat_interleave(members, 0)

    return Dataset(wide(data.inputs), tree_map(wide, data.targets), K)


def seeds_of(study: Study, job: CohortJob, training: Training, member: int) -> dict[str, int]:
    """Purpose → seed. Candidates of a round and fold, and arms, have the same."""
    root = root_of(study, training.round)
    if job.stage == "search":
        root = seeds.derive(root, "fold", training.fold)
    if member:
        root = seeds.derive(root, "member", member)
    return {purpose: seeds.derive(root, purpose) for purpose in ("net", "order")}


def trainer_of(study: Study, job: CohortJob) -> Trainer:
    """What trains the job: a cohort, or for a training on its own a plain net."""
    members = range(job.recipe.members)
    of = [seeds_of(study, job, t, m) for t in job.trainings for m in members]
    recipe, numbers = numbers_of(job)
    net = recipe.make_net().to(study.device, dtype_of(study))
    if study.precision == "bfloat16":
        net.set_matmul_dtype(torch.bfloat16)
    cohort: Module = net if len(of) == 1 else net.replicate(len(of))
    inits = [s["net"] for s in of]
    cohort.initialize(inits, None if recipe.init is None else build("init", recipe.init))
    return recipe.make_trainer(
        cohort,
        numbers,
        seed=[s["order"] for s in of],
        metrics={name: build("metric", part) for name, part in study.metrics.items()},
        train_metrics=job.stage != "search",
    )


def numbers_of(job: CohortJob) -> tuple[Recipe, Numbers]:
    """The recipe with what all trainings share, and path → a number a replica where they differ."""
    first, members = job.trainings[0].setting, job.recipe.members
    values = {path: [t.setting[path] for t in job.trainings] for path in job.paths}
    common = {path: first[path] for path, of in values.items() if len(set(of)) == 1}
    return job.recipe.with_overrides(common), {
        path: torch.tensor(of, dtype=torch.float64).repeat_interleave(members)
        for path, of in values.items()
        if path not in common
    }


def evaluate_trainings(trainer: Trainer, judged: Dataset, members: int) -> dict[str, list[float]]:
    """Name → the loss or metric of each training on what it is judged on."""
    y = trainer.predict(judged)
    if members > 1:
        y = tree_map(lambda scores: ensemble_log_probs(scores, members), y)
    values = trainer.measure(y, judged)
    return {name: value.double().reshape(-1)[::members].tolist() for name, value in values.items()}


def ensemble_log_probs(scores: Tensor, members: int) -> Tensor:
    """log of the members' mean class probabilities, for each of them        scores (K, N, L)"""
    each = scores.double().log_softmax(-1)
    shares = each.reshape(-1, members, *each.shape[1:])
    mean = shares.logsumexp(1, keepdim=True) - math.log(members)
    return mean.expand_as(shares).reshape(each.shape).to(scores.dtype)


def save_nets(net: Module, job: CohortJob, folder: Path) -> None:
    """Write each training's net, or its members', as FOLDER/ARM/round-000.safetensors."""
    members = job.recipe.members
    (folder / job.arm).mkdir(parents=True, exist_ok=True)
    for k in range(net.replicas or 1):
        i, member = divmod(k, members)
        name = f"round-{job.trainings[i].round:03}" + (f"-member-{member:02}" * (members > 1))
        one = net if net.replicas is None else net.replica(k)
        save(one, folder / job.arm / f"{name}.safetensors")


def make_rows(
    study: Study,
    job: CohortJob,
    history: History,
    values: Mapping[str, Sequence[float]],
    sizes: tuple[int, int],
    count: int,
) -> list[TrainingRecord]:
    """A row a training; one diverged where any of its members did, or what it gives is nan."""
    members = job.recipe.members
    notes = {d.replica // members: str(d) for d in reversed(history.diverged)}
    rows = []
    for i, training in enumerate(job.trainings):
        mine = slice(i * members, (i + 1) * members)
        curves = {n: c.reshape(len(c), -1)[:, mine].mean(1) for n, c in history.curves.items()}
        trained = {n: float(c[-1]) for n, c in curves.items() if n.startswith("train_")}
        metrics = {name: of[i] for name, of in values.items()} | trained
        lost = i in notes or not math.isfinite(metrics[study.metric_name])
        if lost:  # what the net before it diverged would give is no result
            metrics = dict.fromkeys(metrics, math.nan)
        rows.append(
            TrainingRecord(
                arm=job.arm,
                stage=job.stage,
                candidate=training.candidate,
                round=training.round,
                fold=training.fold,
                status="diverged" if lost else "done",
                setting=training.setting,
                metrics=metrics,
                epochs=history.epochs,
                seconds=history.seconds,
                width=len(job.trainings),
                parameters=count,
                n_train=sizes[0],
                n_test=sizes[1],
                seeds=seeds_of(study, job, training, 0),
                finished=datetime.now(UTC).isoformat(timespec="seconds"),
                worker=f"{socket.gethostname()}:{os.getpid()}",
                note=notes.get(i, ""),
                curves={name: curve.tolist() for name, curve in curves.items()},
            )
        )
    return rows
