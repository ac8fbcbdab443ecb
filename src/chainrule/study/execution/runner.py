"""Run a study: only what is missing, a cohort wherever a worker is free, rows kept at once."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from chainrule._util.argument_checks import check_arguments
from chainrule._util.kinds import describe_object
from chainrule.recipes.errors import StudyError
from chainrule.study.execution.backends import check_backends, settle_backend
from chainrule.study.execution.cohorts import CohortJob
from chainrule.study.execution.executors import (
    Engine,
    Executor,
    exit_while_importing_main,
    use_engine,
)
from chainrule.study.execution.final_nets import choose_folders, save_missing_nets, write_nets
from chainrule.study.execution.job import run_job
from chainrule.study.execution.provenance import provenance
from chainrule.study.execution.resume import StudyEntry
from chainrule.study.execution.scheduling.job_queue import JobQueue
from chainrule.study.execution.scheduling.progress import (
    Progress,
    ProgressCallback,
    progress_line,
)
from chainrule.study.execution.scheduling.scheduler import Scheduler, select_settled
from chainrule.study.execution.training.records import make_failed_rows
from chainrule.study.execution.workers.package import JobResult
from chainrule.study.execution.workers.travel import pack_study
from chainrule.study.results.failures import describe_failures, select_failures
from chainrule.study.results.study_result import StudyResult
from chainrule.study.round_data import check_device, parse_device
from chainrule.study.sample_overlap import check_leaks
from chainrule.study.shares.share import RunStage, select_trainings
from chainrule.study.spec.own_files.csv_data import fill_net_sizes
from chainrule.study.spec.own_files.own_code import own_files, pin_sources, remember_loaded
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.study import Study
from chainrule.study.store import open_store
from chainrule.study.store.record import TrainingKey, TrainingRecord

__all__ = ["run"]


def check_study_kind(study: Any) -> Study:
    """The study. Raises TypeError for what is none, such as its file's name."""
    if not isinstance(study, Study):
        fix = f"; write Study.load({study!r})" if isinstance(study, str) else ""
        raise TypeError(f"study: expected a Study, got {describe_object(study)}{fix}")
    return study


@check_arguments
def run(
    study: Study,
    *,
    arms: str = "*",
    store: str | Path | None = None,
    jobs: int = 1,
    executor: Executor | str | None = None,
    extend: bool = False,
    nets: str | Path | None = None,
    mix_backends: bool = False,
    share: str | None = None,
    stage: RunStage | None = None,
    on_progress: ProgressCallback | None = None,
) -> StudyResult:
    """Train what is missing of a study, of the arms that match, and return its result.

    - ``store``: a path or URL, see :func:`open_store`; in memory unless given.
    - ``jobs``: processes, one thread each; 1 trains here. Or an ``executor`` of your own, or the
      name of an engine, as ``"dask://node1:8786"``, see :func:`open_engine`.
    - ``extend``: go on with a study of the store that has fewer rounds or arms.
    - ``nets``: a folder for the final nets, ARM/round-000.safetensors, of earlier runs too.
    - ``mix_backends``: go on with an arm whose rows were computed another way than this run does.
    - ``share``: a fixed part of the trainings, ``"3/8"``; ``stage``: its search or finals alone.
    - ``on_progress`` is called at the start and whenever a cohort ends; None: a line tells of it.

    The store learns of the study with its first rows: a run that fails before leaves no trace.
    A training that an error ends is in ``StudyResult.failures``; the next run tries it again.
    Ctrl-C ends the run: what is done stays. Raises StudyError for what cannot be run and for
    nothing but failures, StoreError and OSError.
    """
    study = check_request(pin_sources(fill_net_sizes(check_study_kind(study))), jobs, executor)
    chosen, is_wanted = study.select(arms), select_trainings(study, share, stage)
    with ExitStack() as stack:
        opened = stack.enter_context(open_store(":memory:" if store is None else store))
        stack.enter_context(opened.run_lock())
        entry = StudyEntry(opened, study, describe_origin(study, share), extend=extend)
        rows, scheduler = resume_scheduler(entry, chosen, is_wanted)
        engine = stack.enter_context(use_engine(executor, jobs))
        try:
            folders = choose_folders(chosen, nets)
            runner = Runner(scheduler, engine, entry.save_rows, on_progress, folders, entry.look)
            check_choices(scheduler, stage)
            settle_versions(runner, entry, rows, mix_backends)
            runner.run_all()
            save_missing_nets(entry.load_result(), folders, jobs, engine, is_wanted)
        except KeyboardInterrupt:
            atexit.register(gc.freeze)  # else Python looks through all of PyTorch before it ends
            return entry.load_result(interrupted=True)
        return entry.load_result()


def describe_origin(study: Study, share: str | None) -> dict[str, Any]:
    """What is kept of this run."""
    origin = provenance([*own_files(study).values()])
    return origin if share is None else {**origin, "share": share}


def resume_scheduler(
    entry: StudyEntry, arms: Sequence[Arm], is_wanted: Callable[[TrainingKey], bool]
) -> tuple[list[TrainingRecord], Scheduler]:
    """(what is done, what goes on from there)."""
    rows = entry.load_rows()
    scheduler = Scheduler(entry.study, arms, select_settled(rows), is_wanted)
    scheduler.n_rounds = entry.needed_rounds
    return rows, scheduler


def settle_versions(
    runner: Runner, entry: StudyEntry, rows: Sequence[TrainingRecord], mix_backends: bool
) -> None:
    """See which kernel takes part, and say where rows that more is added to would be others now.

    Raises StudyError where rows of an arm were computed another way, unless ways may be mixed.
    """
    entry.provenance["kernel"] = runner.settle_backend([] if mix_backends else rows)
    entry.warn_of_old_rows(rows if runner.queue else [])


def check_one_dataset(study: Study) -> None:
    """Raise StudyError for a study over several data sets."""
    if study.datasets:
        names = ", ".join(study.datasets)
        raise StudyError(
            f"study {study.name} has several data sets ({names}): expected run_datasets(study)"
        )


def check_request(study: Study, jobs: int, executor: Executor | str | None) -> Study:
    """The study. Raises StudyError for what cannot be run; a worker that imports the program ends
    here.
    """
    check_one_dataset(study)
    if jobs < 1:
        raise StudyError(f"expected at least 1 job, got {jobs}")
    if jobs > 1 and executor is None:
        exit_while_importing_main()
    parse_device(study.device)
    check_leaks(study)
    return study


def check_choices(scheduler: Scheduler, stage: RunStage | None) -> None:
    """Raise StudyError where the final trainings alone are wanted, and their search is not over."""
    arms = [arm.name for arm in scheduler.arms if scheduler.list_open_searches(arm)]
    if stage == "final" and arms:
        raise StudyError(
            f"study {scheduler.study.name}: stage final: this store does not have all of the "
            f"search of {'arm' if len(arms) == 1 else 'arms'} {', '.join(arms)}; run stage search, "
            "by every share, and merge their stores into this one (chainrule merge), before"
        )


class Runner:
    """The trainings of a scheduler, carried out by an executor until none is left.

    ``look`` is called when all rounds that the scheduler knows of are done, and says how many the
    study needs: it decides whether there are more. Raises StudyError for a device that is not here,
    unless workers of other machines train.
    """

    def __init__(
        self,
        board: Scheduler,
        engine: Engine,
        keep: Callable[[list[TrainingRecord]], None],
        watch: ProgressCallback | None,
        folders: Mapping[str, Path],
        look: Callable[[], int],
    ) -> None:
        if not engine.is_remote:
            check_device(board.study.device)
        self.scheduler, self.engine, self.save_rows = board, engine, keep
        self.folders = folders
        self.look = look
        workers = engine.max_workers
        board.workers = None if workers is None else max(1, workers)  # some may come yet
        sent, device = pack_study(board.study, "", engine.is_remote), board.study.device
        self.queue = JobQueue(engine, *sent, run_job, self._arguments, self._priority, device)
        self.failures: list[TrainingRecord] = []
        self.progress = Progress(board, self.queue.running)
        self.on_progress = watch
        self._take_jobs(board.arms)

    def settle_backend(self, rows: Sequence[TrainingRecord]) -> str:
        """See which way all of it will be computed: the kernel's key, or "".

        Raises StudyError where rows of an arm were computed another way.
        """
        if not self.queue:
            return ""
        study, kernel = settle_backend(self.scheduler.study)
        check_backends(study, self.queue.waiting, rows)
        self.queue.package, self.queue.files = pack_study(study, kernel, self.engine.is_remote)
        return kernel

    def run_all(self) -> None:
        """Until nothing is left; what is under way when something goes wrong is given up.

        Raises StudyError where nothing but failures came of it.
        """
        complete = False
        try:
            with progress_line(self.on_progress) as show:
                show(self.progress)
                while self.queue or self._open_rounds():
                    self.queue.begin()
                    for job, outcome in self.queue.collect_finished():
                        self._collect(job, outcome)
                    show(self.progress)
            self._save_failures()
            complete = True
        except KeyboardInterrupt:
            for job, result in self.queue.list_done():
                self._save(job, result)
            raise
        finally:
            remember_loaded(self.scheduler.study.sources)
            if not complete:
                self.queue.stop()

    def _take_jobs(self, arms: Iterable[Arm]) -> None:
        """Let the cohorts wait that can begin now: searches first, large ones first."""
        for arm in arms:
            self.queue.add(self.scheduler.take_jobs(arm))

    def _arguments(self, job: CohortJob) -> tuple[bool]:
        """Whether the nets of a cohort are wanted."""
        return (job.arm in self.folders,)

    def _priority(self, job: CohortJob) -> tuple[bool, float]:
        return job.stage != "search", -self.progress.job_cost(job)

    def _open_rounds(self) -> bool:
        """Look at what is done; whether there is more to train now, up to another look."""
        while (n := self.look()) > self.scheduler.n_rounds and not self.queue:
            self.scheduler.n_rounds = n
            self._take_jobs(self.scheduler.arms)
        return bool(self.queue)

    def _collect(self, job: CohortJob, result: JobResult | StudyError) -> None:
        if isinstance(result, StudyError):
            if halves := job.split():  # which of them it was shows when they are apart
                self.queue.add(halves)
                return
            result = JobResult(make_failed_rows(job, str(result)))
        self._save(job, result)
        self.failures += select_failures(result.rows)
        self.scheduler.add(result.rows)
        self.progress.cohorts += 1
        arm = next(arm for arm in self.scheduler.arms if arm.name == job.arm)
        self._take_jobs([arm])

    def _save_failures(self) -> None:
        """Keep what failed beside what did not. Raises StudyError where there is nothing else."""
        if not self.failures:
            return
        if not self.scheduler.has_results:
            raise StudyError("\n".join(describe_failures(self.failures)))
        self.save_rows(self.failures)

    def _save(self, job: CohortJob, result: JobResult) -> None:
        """Keep what a cohort gave, its nets first: a row says that they are there."""
        if job.arm in self.folders:
            write_nets(result.nets, self.folders[job.arm])
        if rows := [row for row in result.rows if row.status != "failed"]:
            self.save_rows(rows)
