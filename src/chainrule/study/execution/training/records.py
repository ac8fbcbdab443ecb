"""The records of a cohort that was trained."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from torch import Tensor

from chainrule.study.execution.cohorts import CohortJob, training_seeds
from chainrule.study.results.training_versions import TRAINING_VERSION
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingRecord
from chainrule.train import BackendStatus, History

__all__ = ["make_failed_rows", "make_rows"]


def make_rows(
    study: Study,
    job: CohortJob,
    history: History,
    values: Mapping[str, Sequence[float]],
    sizes: tuple[int, int],
    count: int,
    status: BackendStatus,
) -> list[TrainingRecord]:
    """A row a training; one diverged where any of its members did, or what it gives is nan."""
    members = job.recipe.ensemble_size
    notes = describe_divergences(history, members)
    rows = []
    for i, training in enumerate(job.trainings):
        replicas = range(i * members, (i + 1) * members)
        epochs, curves = read_curves(history, replicas)
        trained = {n: float(c[-1]) for n, c in curves.items() if n.startswith("train_")}
        metrics = {name: each[i] for name, each in values.items()} | trained
        diverged = i in notes or not math.isfinite(metrics[study.metric_name])
        if diverged:  # what the net before it diverged would give is no result
            metrics = dict.fromkeys(metrics, math.nan)
        rows.append(
            TrainingRecord(
                arm=job.arm,
                stage=job.stage,
                candidate=training.candidate,
                round=training.round,
                fold=training.fold,
                status="diverged" if diverged else "done",
                setting=training.setting,
                metrics=metrics,
                epochs=epochs,
                seconds=history.seconds,
                cohort_size=len(job.trainings),
                parameters=count,
                n_train=sizes[0],
                n_test=sizes[1],
                seeds=training_seeds(study, job.stage, training, 0),
                finished=datetime.now(UTC).isoformat(timespec="seconds"),
                worker=f"{socket.gethostname()}:{os.getpid()}",
                note=notes.get(i, ""),
                backend=str(status),
                kernel=status.kernel,
                training_version=TRAINING_VERSION,
                curves={name: curve.tolist() for name, curve in curves.items()},
            )
        )
    return rows


def describe_divergences(history: History, members: int) -> dict[int, str]:
    """Training → how the first of its members diverged, in words that do not name its cohort."""
    return {
        d.replica // members: f"member {d.replica % members} " * (members > 1) + d.describe()
        for d in reversed(history.diverged)
    }


def read_curves(history: History, replicas: range) -> tuple[int, dict[str, Tensor]]:
    """(their epochs, name → a value an epoch) of a training's members, until the last one ended.

    The same whoever else is in the cohort, which goes on until all of its own have ended.
    """
    ends = history.stopped | {d.replica: d.epoch for d in history.diverged}
    epochs = max(ends.get(k, history.epochs) for k in replicas)
    curves = {
        name: curve.reshape(len(curve), -1)[:epochs, replicas].mean(1)
        for name, curve in history.curves.items()
    }
    return epochs, curves


def make_failed_rows(job: CohortJob, problem: str) -> list[TrainingRecord]:
    """A row a training of a cohort that an error ended."""
    return [
        TrainingRecord(
            arm=job.arm,
            stage=job.stage,
            candidate=training.candidate,
            round=training.round,
            fold=training.fold,
            status="failed",
            setting=training.setting,
            metrics={},
            epochs=0,
            seconds=0.0,
            cohort_size=len(job.trainings),
            parameters=0,
            n_train=0,
            n_test=0,
            seeds={},
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            worker=f"{socket.gethostname()}:{os.getpid()}",
            note=problem,
        )
        for training in job.trainings
    ]
