"""Which way a study is computed: its kernel, and that rows of one arm are all made alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from chainrule._util.notices import print_once
from chainrule.compiled import BuildError, is_built, kernel
from chainrule.compiled.toolchain import compiler
from chainrule.recipes.errors import StudyError
from chainrule.study.execution.cohorts import CohortJob, Training, build_jobs
from chainrule.study.execution.training.train_cohort import find_backend
from chainrule.study.results.backends import backend_kind, describe_way
from chainrule.study.round_data import RoundData, study_dtype
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingRecord

__all__ = ["check_backends", "settle_backend"]


def settle_backend(study: Study) -> tuple[Study, str]:
    """The study as workers get it, with the key of the kernel that they have, or "".

    The kernel is built here, once, and not by each of them; where it cannot be, and nobody insists,
    all of the run is computed by the plain path, and a line on stderr says so. Raises BuildError.
    """
    if study.compile is False or study.device.partition(":")[0] != "cpu":
        return study, ""
    if compiler() is not None and not is_built(study_dtype(study)):
        print_once("chainrule: building the kernel for small nets, once on this machine")
    try:
        return study, kernel(study_dtype(study)).key
    except BuildError as problem:
        if study.compile is True:
            raise
        print_once(f"chainrule: trainings take the plain path: {problem}")
        return study.with_overrides(compile=False), ""


def check_backends(study: Study, jobs: Iterable[CohortJob], rows: Sequence[TrainingRecord]) -> None:
    """Raise StudyError where these jobs would be computed another way than rows of their arm.

    What was recorded of an arm is looked at: whether the same training would be computed now as it
    was. The settings of an arm may well go different ways.
    """
    samples = RoundData(study)
    arms = {arm.name: arm for arm in study.all_arms}
    problems = []
    for name in dict.fromkeys(job.arm for job in jobs):
        for before, row in first_rows(rows, arms[name]).items():
            now = find_kind(study, samples, arms[name], row)
            if now not in (before, ""):
                ways = describe_way(before), describe_way(now)
                problems.append(f"arm {name}: trained {ways[0]} so far, and now {ways[1]}")
                break
    if problems:
        raise StudyError(
            f"study {study.name}: rows of an arm would be computed in two ways:\n  "
            + "\n  ".join(problems)
            + "\nSay --mix-backends (mix_backends=True) to go on all the same, --compile or "
            "--no-compile for the way it was, or choose another --store"
        )


def first_rows(rows: Sequence[TrainingRecord], arm: Arm) -> dict[str, TrainingRecord]:
    """A row for each way that trainings of an arm were computed, as far as that is known."""
    told = arm.recipe.trainer.name != "Trainer" or "compile" in arm.recipe.trainer.arguments
    before = "" if told else "plain"  # before it was recorded, that was the default
    kept = {
        backend_kind(row.backend) or before: row
        for row in reversed(rows)
        if row.arm == arm.name and row.stage != "timing" and row.status != "failed"
    }
    return {kind: row for kind, row in kept.items() if kind}


def find_kind(study: Study, samples: RoundData, arm: Arm, row: TrainingRecord) -> str:
    """Which way the training of a row would be computed now; "" where an error would end it."""
    training = Training(row.candidate, row.setting, row.round, row.fold)
    with suppress(Exception):  # whatever a function of the user raises: the run will say it
        (job,) = build_jobs(arm, row.stage, [training], sample=(), cohort_size=1)
        return backend_kind(str(find_backend(study, samples, job)))
    return ""
