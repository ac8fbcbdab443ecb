"""The plan of a study with its sizes and times, from nets and data that are made for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from chainrule.recipes.cost import count_parameters
from chainrule.recipes.errors import StudyError
from chainrule.study.execution.cohorts import CohortJob
from chainrule.study.execution.executors import SerialExecutor
from chainrule.study.execution.scheduling.scheduler import Scheduler
from chainrule.study.plan.plan import ArmCounts, ArmPlan, Plan
from chainrule.study.plan.timing import fit_time_model
from chainrule.study.plan.workload import WorkloadEstimator
from chainrule.study.round_data import RoundData
from chainrule.study.sample_overlap import plan_design
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingRecord

__all__ = ["build_plan"]


def build_plan(study: Study, *, arms: str = "*", jobs: int = 1, times: bool = True) -> Plan:
    """What a run of these arms trains; ``times``: measure some steps of each for its time.

    An arm that cannot be trained has no time. Raises what making a data set raises.
    """
    found = SerialExecutor().submit(plan_arms, study, study.select(arms), times, jobs).result()
    return Plan(study, found, jobs, plan_design(study))


def plan_arms(study: Study, arms: Sequence[Arm], times: bool, workers: int) -> list[ArmPlan]:
    """The plan of each arm."""
    whole = study.search.model_copy(update={"race": None})  # nobody leaves
    board = Scheduler(study.model_copy(update={"search": whole}), arms)
    board.workers = workers
    samples = RoundData(study)
    loads = WorkloadEstimator(study, samples)
    return [
        plan_arm(study, samples, arm, [*simulate_jobs(board, arm)], loads, times) for arm in arms
    ]


def plan_arm(
    study: Study,
    samples: RoundData,
    arm: Arm,
    cohorts: Sequence[CohortJob],
    estimator: WorkloadEstimator,
    times: bool,
) -> ArmPlan:
    """The plan of one arm, from all the cohorts that it will have at most."""
    loads = [estimator.estimate(program) for cohort in cohorts for program in cohort.programs]
    widths = [len(cohort.trainings) for cohort in cohorts]
    sizes = [load.parameters for load in loads]
    searching = [load for load in loads if load.job.stage == "search"]
    pace = None
    if times:
        with suppress(StudyError):  # an arm that cannot be trained, which the dry run says
            pace = fit_time_model(study, samples, loads)
    return ArmPlan(
        **ArmCounts.of_arm(study, arm).as_row(),
        cohorts=len(cohorts),
        cohort_sizes=(min(widths), max(widths)),
        steps=sum(load.steps for load in loads),
        parameters=(min(sizes), max(sizes)),
        multiply_adds=sum(load.products for load in loads),
        seconds=None if pace is None else sum(map(pace.seconds, loads)),
        search_seconds=None if pace is None else sum(map(pace.seconds, searching)),
        bytes=max(load.bytes for load in loads),
    )


def simulate_jobs(board: Scheduler, arm: Arm) -> Iterator[CohortJob]:
    """Every cohort of an arm, as if each were trained and the largest net always won."""
    while jobs := board.take_jobs(arm):
        cohorts = [part for job in jobs for part in (job.parts if job.halving else (job,))]
        yield from cohorts
        board.add(row for job in cohorts for row in fake_rows(board.study, job))


def fake_rows(study: Study, job: CohortJob) -> Iterator[TrainingRecord]:
    """Rows that nobody trained."""
    size = count_parameters(job.recipe) * (1 if study.direction == "max" else -1)
    for training in job.trainings:
        yield TrainingRecord(
            arm=job.arm,
            stage=job.stage,
            candidate=training.candidate,
            round=training.round,
            fold=training.fold,
            status="done",
            setting=training.setting,
            metrics={study.metric_name: float(size)},
            epochs=job.recipe.epochs,
            seconds=0.0,
            cohort_size=len(job.trainings),
            parameters=abs(size),
            n_train=0,
            n_test=0,
            seeds={},
        )
