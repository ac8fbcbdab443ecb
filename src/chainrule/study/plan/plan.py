"""What a study would train, and about how long that takes, before it is run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from chainrule.recipes.cost import count_parameters
from chainrule.statistics import Design, SequentialDesign, detectable_effect, plan_rounds
from chainrule.study.execution.cohorts import CohortJob
from chainrule.study.execution.executors import SerialExecutor
from chainrule.study.execution.scheduler import Scheduler
from chainrule.study.plan.timing import fit_time_model
from chainrule.study.plan.workload import WorkloadEstimator
from chainrule.study.results.looks import find_looks
from chainrule.study.results.round_scores import count_tests
from chainrule.study.sample_overlap import plan_design
from chainrule.study.search.candidates import count_candidates
from chainrule.study.search.racing import count_race_trainings
from chainrule.study.search.scope import describe_search_scope
from chainrule.study.spec.arms import Arm
from chainrule.study.spec.space import grid
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingRecord

__all__ = ["ArmPlan", "Plan", "build_plan"]


@dataclass(frozen=True)
class ArmPlan:
    """What one arm trains. The final trainings are reckoned with the largest net of its search.

    - ``candidates``: tried in each search; ``declared``: those of the whole space where that is
      a grid; ``idle``: paths of the space that do nothing here, for the arm sets them itself.
    - ``search``, ``final``: trainings; of a race those that are expected, ``most_search`` at most;
      with ``timing`` one of the final ones is alone, for its time.
    - ``cohorts``, ``widths``: how many, and the least and most trainings in one.
    - ``steps``: of all cohorts; ``multiply_adds``: of all trainings.
    - ``parameters``: of the smallest and the largest net, all members.
    - ``seconds``: on one core, None if not measured, of which ``search_seconds`` for the search;
      ``bytes``: of the largest cohort.
    """

    arm: str
    candidates: int
    declared: int | None
    unused_paths: tuple[str, ...]
    splits: int
    search: int
    most_search: int
    final: int
    cohorts: int
    cohort_sizes: tuple[int, int]
    steps: int
    parameters: tuple[int, int]
    multiply_adds: float
    seconds: float | None
    search_seconds: float | None
    bytes: int

    @property
    def trainings(self) -> int:
        """For the search and for the result."""
        return self.search + self.final

    def as_row(self) -> dict[str, Any]:
        """The row as JSON data."""
        return asdict(self)


@dataclass(frozen=True)
class Plan:
    """What the arms of a study train, on ``jobs`` workers."""

    study: Study
    arms: Sequence[ArmPlan]
    jobs: int

    @cached_property
    def design(self) -> Design:
        """How the rounds will come about: what a conclusion will be about."""
        return plan_design(self.study)

    @property
    def search_scope(self) -> str:
        """That conclusions will be about settings, of one search; empty where about arms."""
        return describe_search_scope(self.study)

    @property
    def tests(self) -> int:
        """How many are corrected together: comparisons of arms, and effects of factors."""
        return count_tests(self.study)

    @property
    def looks(self) -> SequentialDesign | None:
        """When the study will be looked at, and at what level; None where rounds are fixed."""
        n = self.study.max_rounds
        found = find_looks(self.study, [], n, self.design)
        return found and replace(found, comparisons=max(1, self.tests))

    def find_sensitivity(self) -> dict[str, Any]:
        """What so many rounds will find with a power of 80 %, in standard deviations of the rounds'
        differences; and how many rounds find one of 1. As JSON data; None where that is not known.
        """
        n, m, design, looks = self.study.max_rounds, self.tests, self.design, self.looks
        found: dict[str, Any] = {"rounds": n, "looks": self.study.looks, "tests": m}
        if n < 2 or not m:
            return found
        if looks is None or not design.independent:
            alpha = 0.05 if looks is None else m * looks.levels[-1]
            effect = detectable_effect(n, comparisons=m, alpha=alpha, design=design)
            one = plan_rounds(1.0, comparisons=m, alpha=alpha, design=design)
            return {**found, "detectable_effect": effect, "rounds_for_1": one}
        effect = looks.find_detectable_effect()
        share, one_mean = looks.power(1.0)
        return {
            **found,
            "detectable_effect": effect,
            "mean_rounds": looks.power(effect)[1],
            "power_for_1": share,
            "mean_rounds_for_1": one_mean,
        }

    @property
    def trainings(self) -> int:
        """Of all arms."""
        return sum(arm.trainings for arm in self.arms)

    @property
    def seconds(self) -> float | None:
        """With all workers busy to the end; None if not measured."""
        times = [arm.seconds for arm in self.arms if arm.seconds is not None]
        return sum(times) / self.jobs if len(times) == len(self.arms) else None

    def price_searches(self) -> dict[bool, tuple[int, float | None]]:
        """Each round searches → trainings of the whole and its seconds, on all workers.

        Empty where nothing is searched; one search is no choice where rounds divide one data set.
        A search takes as long in each round.
        """
        search = sum(arm.search for arm in self.arms)
        if not search:
            return {}
        seconds = [arm.search_seconds for arm in self.arms if arm.search_seconds is not None]
        now, n = self.study.searches_each_round, self.study.max_rounds
        prices = {}
        for each_round in (True,) if self.study.data.divides_one_draw else (True, False):
            share = 1.0 if each_round == now else n if each_round else 1 / n
            added = (share - 1) * sum(seconds) / self.jobs
            whole = None if self.seconds is None else self.seconds + added
            prices[each_round] = round(self.trainings + (share - 1) * search), whole
        return prices

    def totals(self) -> dict[str, Any]:
        """The sums over the arms, as JSON data; ``bytes`` is what all workers take at most."""
        sums = {
            name: sum(getattr(arm, name) for arm in self.arms)
            for name in ("trainings", "search", "final", "cohorts", "steps", "multiply_adds")
        }
        largest = sorted((arm.bytes for arm in self.arms), reverse=True)
        hours = None if self.seconds is None else self.seconds / 3600
        return {**sums, "bytes": sum(largest[: self.jobs]), "jobs": self.jobs, "hours": hours}

    def as_rows(self) -> list[dict[str, Any]]:
        """A row an arm, as JSON data."""
        return [arm.as_row() for arm in self.arms]


def build_plan(study: Study, *, arms: str = "*", jobs: int = 1, times: bool = True) -> Plan:
    """What a run of these arms trains; ``times``: measure some steps of each for its time.

    Raises StudyError, and what making a net or a data set raises.
    """
    found = SerialExecutor().submit(plan_arms, study, study.select(arms), times, jobs).result()
    return Plan(study, found, jobs)


def plan_arms(study: Study, arms: Sequence[Arm], times: bool, workers: int) -> list[ArmPlan]:
    """The plan of each arm."""
    whole = study.search.model_copy(update={"race": None})  # nobody leaves
    board = Scheduler(study.model_copy(update={"search": whole}), arms)
    board.workers = workers
    loads = WorkloadEstimator(study, board.round_data)
    return [plan_arm(study, board, arm, [*simulate_jobs(board, arm)], loads, times) for arm in arms]


def plan_arm(
    study: Study,
    board: Scheduler,
    arm: Arm,
    cohorts: Sequence[CohortJob],
    estimator: WorkloadEstimator,
    times: bool,
) -> ArmPlan:
    """The plan of one arm, from all the cohorts that it will have at most."""
    loads = [estimator.estimate(program) for cohort in cohorts for program in cohort.programs]
    most = sum(load.cohort_size for load in loads if load.job.stage == "search")
    searches, candidates = len(board.search_rounds), count_candidates(study, arm)
    expected = searches * count_race_trainings(study, candidates) if arm.space else 0
    widths = [len(cohort.trainings) for cohort in cohorts]
    sizes = [load.parameters for load in loads]
    searching = [load for load in loads if load.job.stage == "search"]
    pace = fit_time_model(study, board.round_data, loads) if times else None
    return ArmPlan(
        arm=arm.name,
        candidates=candidates,
        declared=len(grid(study.space)) if study.search.method == "grid" else None,
        unused_paths=tuple(path for path in study.space if path not in arm.space),
        splits=study.selection.splits if arm.space else 0,
        search=expected,
        most_search=most,
        final=sum(load.cohort_size for load in loads if load.job.stage != "search"),
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
    while jobs := board.ready_jobs(arm):
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
