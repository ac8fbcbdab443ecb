"""Carry out a job: what a worker does, from the study's declaration to the rows of a cohort."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache

from chainrule._util.commits import package_commit
from chainrule._util.threads import one_thread
from chainrule._util.user_code import describe_error
from chainrule.compiled import prefer_micro_kernel
from chainrule.nn.module import Module
from chainrule.recipes.errors import StudyError
from chainrule.serialization.nets import net_bytes
from chainrule.study.execution.cohorts import CohortJob
from chainrule.study.execution.training.halving import run_halving
from chainrule.study.execution.training.train_cohort import (
    add_callbacks,
    build_cohort_trainer,
    train_until,
)
from chainrule.study.execution.workers.handshake import (
    WorkerInfo,
    check_worker,
    describe_process,
)
from chainrule.study.execution.workers.package import JobResult, StudyPackage
from chainrule.study.execution.workers.stop_requests import obey_stop_requests
from chainrule.study.execution.workers.travel import unpack_study
from chainrule.study.round_data import RoundData, study_dtype
from chainrule.study.spec.own_files.own_code import check_pinned
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingRecord

__all__ = ["net_path", "retrain_cohort", "run_job"]


def run_job(package: StudyPackage, job: CohortJob, nets: bool = False) -> JobResult:
    """The rows of a job's trainings, and of final ones the ``nets`` where they are wanted.

    It computes on one thread, and leaves the worker's setting as it was. Raises any error of a
    training as a StudyError with the user's lines, which unlike others every process understands;
    KeyboardInterrupt.
    """
    rows: list[TrainingRecord] = []
    files: dict[str, bytes] = {}
    with open_package(package) as (study, data, worker):
        if job.halving:
            return JobResult(name_machine(run_halving(study, data, job), worker), worker=worker)
        for program in job.programs:
            trained, net = train_program(study, data, program)
            if nets and job.stage == "final":
                files |= pack_nets(net, study, program)
            rows += share_seconds(trained, len(job.trainings))
        timer = describe_process(rows[0].kernel) if job.stage == "timing" else None
        return JobResult(name_machine(rows, worker or timer), files, worker)


@contextmanager
def open_package(
    package: StudyPackage,
) -> Iterator[tuple[Study, RoundData, WorkerInfo | None]]:
    """In here a worker trains: the study, its data, and who it is where the driver is elsewhere.

    On one thread, until it is asked to stop; errors are such that every process understands.
    """
    with one_thread(), obey_stop_requests(package.run), errors_for_all_processes():
        if package.driver is None:
            yield *load_study(package.declared), None
            return
        with unpack_study(package) as declared, prefer_micro_kernel(package.driver.kernel):
            study, data = load_study(declared)
            yield study, data, check_worker(package.driver, study_dtype(study), study.device)


def name_machine(rows: Sequence[TrainingRecord], worker: WorkerInfo | None) -> list[TrainingRecord]:
    """The rows of a worker that may be on another machine, or that is timed, with what it runs."""
    machine = {} if worker is None else worker.as_row()
    return [replace(row, machine=machine) for row in rows]


@contextmanager
def errors_for_all_processes() -> Iterator[None]:
    """In here, any error becomes a StudyError with the user's lines; one that is, stays."""
    try:
        yield
    except StudyError as error:
        if type(error) is not StudyError:  # a kind of its own: the run looks for it
            raise
        raise StudyError(describe_error(error)) from error
    except Exception as error:
        raise StudyError(describe_error(error)) from error


def train_program(
    study: Study, data: RoundData, program: CohortJob
) -> tuple[list[TrainingRecord], Module]:
    """The rows of a program's trainings, and their net.

    Raises KeyboardInterrupt where the training was interrupted: a job is done or it is not.
    """
    trainer = build_cohort_trainer(study, program)
    add_callbacks(study, program, trainer)
    rows = train_until(study, data, program, trainer, program.recipe.epochs)
    return rows, trainer.net


def share_seconds(rows: Sequence[TrainingRecord], cohort_size: int) -> list[TrainingRecord]:
    """The rows of a program, in a cohort of this size: its seconds are shared by its own alone."""
    share = cohort_size / len(rows)
    return [replace(row, seconds=row.seconds * share, cohort_size=cohort_size) for row in rows]


@lru_cache(maxsize=2)
def load_study(declared: str) -> tuple[Study, RoundData]:
    """The study of a JSON text and its data; kept, for a worker trains many of its cohorts.

    Raises StudyError where modules of the user's are no longer those that it was pinned with.
    """
    study = Study.model_validate_json(declared)
    check_pinned(study)
    return study, RoundData(study)


def retrain_cohort(
    package: StudyPackage,
    job: CohortJob,
    stored: Sequence[TrainingRecord],
    wanted: Collection[int],
) -> JobResult:
    """Train a cohort again, for the nets of the rounds that are ``wanted``.

    Raises StudyError where it gives other numbers than are ``stored``, and as run_job.
    """
    with open_package(package) as (study, data, worker):
        rows, net = train_program(study, data, job)
        compare_with_stored(rows, stored)
        return JobResult(rows, pack_nets(net, study, job, wanted), worker)


def compare_with_stored(rows: Sequence[TrainingRecord], stored: Sequence[TrainingRecord]) -> None:
    """Raise StudyError where trainings do not give what is stored of them, to the last bit."""
    for row, old in zip(rows, stored, strict=True):
        for name in row.metrics.keys() & old.metrics.keys():
            new, before = row.metrics[name], old.metrics[name]
            if new != before and not (math.isnan(new) and math.isnan(before)):
                raise StudyError(
                    f"arm {row.arm}, round {row.round}: trained again it has {name} {new!r}, the "
                    f"store {before!r}: another machine or version than it was run with. To have "
                    "nets from here, run the study with --nets and another --store"
                )


def pack_nets(
    net: Module, study: Study, job: CohortJob, rounds: Collection[int] | None = None
) -> dict[str, bytes]:
    """:func:`net_path` → the file of each training's net, or its members'; of these rounds.

    The metadata of each file say where it comes from.
    """
    members = job.recipe.ensemble_size
    origin = {"study": study.name, "digest": study.digest, "seed": study.seed, **package_commit()}
    files = {}
    for k in range(net.replicas or 1):
        i, member = divmod(k, members)
        r = job.trainings[i].round
        if rounds is None or r in rounds:
            metadata = {**origin, "arm": job.arm, "round": r, "member": member}
            own = net if net.replicas is None else net.replica(k)
            files[net_path(job.arm, r, member, members)] = net_bytes(own, metadata)
    return files


def net_path(arm: str, r: int, member: int, members: int) -> str:
    """ARM/round-000.safetensors; of an ensemble ARM/round-000-member-00.safetensors."""
    ending = f"-member-{member:02}" if members > 1 else ""
    return f"{arm}/round-{r:03}{ending}.safetensors"
