"""Carry out a job: what a worker does, from the study's declaration to the rows of a cohort."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from chainrule.nn.module import Module
from chainrule.recipes.errors import StudyError
from chainrule.study.round_data import RoundData
from chainrule.study.run.cohorts import CohortJob
from chainrule.study.run.halving import run_halving
from chainrule.study.run.train_cohort import build_cohort_trainer, train_until
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingRecord
from chainrule.train import save

__all__ = ["load_study_cached", "run_job", "train_job"]


def run_job(declared: str, job: CohortJob, nets: str | None = None) -> list[TrainingRecord]:
    """As :func:`train_job`; any error but the system's as a StudyError that names the arm.

    Unlike others, that one is understood by every process.
    """
    try:
        return train_job(declared, job, nets)
    except OSError:
        raise
    except Exception as error:
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise StudyError(f"arm {job.arm}: {kind}{error}") from error


def train_job(declared: str, job: CohortJob, nets: str | None = None) -> list[TrainingRecord]:
    """The rows of a job's trainings. ``declared`` is the study as JSON text.

    ``nets`` is a folder for the final nets. Raises KeyboardInterrupt where the training was
    interrupted: a job is done or it is not.
    """
    study, data = load_study_cached(declared)
    if job.cohorts:
        return run_halving(study, data, job)
    trainer = build_cohort_trainer(study, job)
    rows = train_until(study, data, job, trainer, job.recipe.epochs)
    if nets is not None and job.stage == "final":
        save_nets(trainer.net, job, Path(nets))
    return rows


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
