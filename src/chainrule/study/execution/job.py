"""Carry out a job: what a worker does, from the study's declaration to the rows of a cohort."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from chainrule._util.user_code import describe_error
from chainrule.nn.module import Module
from chainrule.recipes.errors import StudyError
from chainrule.study.execution.cohorts import CohortJob
from chainrule.study.execution.halving import run_halving
from chainrule.study.execution.train_cohort import build_cohort_trainer, train_until
from chainrule.study.round_data import RoundData
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingRecord
from chainrule.train import save

__all__ = ["load_study_cached", "run_job", "train_job"]


def run_job(declared: str, job: CohortJob, nets: str | None = None) -> list[TrainingRecord]:
    """As :func:`train_job`; any error of a training as a StudyError with the user's lines.

    Unlike others, that one is understood by every process. Raises OSError where the nets cannot
    be saved.
    """
    try:
        rows, net = train_job(declared, job)
    except Exception as error:
        raise StudyError(describe_error(error)) from error
    if net is not None and nets is not None and job.stage == "final":
        save_nets(net, job, Path(nets))
    return rows


def train_job(declared: str, job: CohortJob) -> tuple[list[TrainingRecord], Module | None]:
    """The rows of a job's trainings, and their net. ``declared`` is the study as JSON text.

    A search with successive halving hands back no net. Raises KeyboardInterrupt where the training
    was interrupted: a job is done or it is not.
    """
    study, data = load_study_cached(declared)
    if job.cohorts:
        return run_halving(study, data, job), None
    trainer = build_cohort_trainer(study, job)
    return train_until(study, data, job, trainer, job.recipe.epochs), trainer.net


@lru_cache(maxsize=2)
def load_study_cached(declared: str) -> tuple[Study, RoundData]:
    """The study of a JSON text and its data; kept, for a worker trains many of its cohorts."""
    study = Study.model_validate_json(declared)
    return study, RoundData(study)


def save_nets(net: Module, job: CohortJob, folder: Path) -> None:
    """Write each training's net, or its members', as FOLDER/ARM/round-000.safetensors."""
    members = job.recipe.ensemble_size
    (folder / job.arm).mkdir(parents=True, exist_ok=True)
    for k in range(net.replicas or 1):
        i, member = divmod(k, members)
        name = f"round-{job.trainings[i].round:03}" + (f"-member-{member:02}" * (members > 1))
        one = net if net.replicas is None else net.replica(k)
        save(one, folder / job.arm / f"{name}.safetensors")
