"""Run a study: only what is missing, a cohort wherever a worker is free, rows kept at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from pathlib import Path

from chainrule.recipes.component import StudyError
from chainrule.study.results.study_result import StudyResult, result_of
from chainrule.study.run import train_cohort as cohort
from chainrule.study.run.cohorts import CohortJob
from chainrule.study.run.executors import Executor, ProcessExecutor, SerialExecutor
from chainrule.study.run.progress import Progress
from chainrule.study.run.provenance import provenance
from chainrule.study.run.resume import open_or_resume
from chainrule.study.run.scheduler import Scheduler
from chainrule.study.spec.study import Study
from chainrule.study.store import open_store
from chainrule.study.store.record import TrainingRecord

__all__ = ["run"]

TRIES = 3
"""How often a cohort is begun whose worker dies."""

Watch = Callable[[Progress], None]


def run(
    study: Study,
    *,
    arms: str = "*",
    store: str | Path | None = None,
    jobs: int = 1,
    executor: Executor | None = None,
    extend: bool = False,
    nets: str | Path | None = None,
    watch: Watch = lambda _: None,
) -> StudyResult:
    """Train what is missing of a study, of the arms that match, and return its result.

    - ``store``: a path or URL, see :func:`open_store`; in memory unless given.
    - ``jobs``: processes, one thread each; 1 trains here. Or an ``executor`` of your own.
    - ``extend``: go on with a study of the store that has fewer rounds or arms.
    - ``nets``: a folder for the final nets, ARM/round-000.safetensors.
    - ``watch`` is called at the start and whenever a cohort ends.

    Ctrl-C ends the run, and what is done stays done. Raises StudyError for what cannot be run,
    StoreError and OSError as the store does.
    """
    chosen = study.select(arms)
    if jobs < 1:
        raise StudyError(f"expected at least 1 job, got {jobs}")
    with ExitStack() as stack:
        kept = stack.enter_context(open_store(":memory:" if store is None else store))
        stack.enter_context(kept.run_lock())
        here = provenance()
        record = open_or_resume(kept, study, here, extend=extend)
        board = Scheduler(study, chosen, kept.rows(record.id))

        def keep(rows: list[TrainingRecord]) -> None:
            kept.add_run(record.id, here)
            kept.add(record.id, rows)

        where = None if nets is None else str(nets)
        workers = executor or (SerialExecutor() if jobs == 1 else ProcessExecutor(jobs))
        interrupted = False
        try:
            Runner(board, workers, keep, watch, where).finish()
        except KeyboardInterrupt:
            interrupted = True
        return result_of(kept, record.id, interrupted=interrupted)


def run_job(declared: str, job: CohortJob, nets: str | None) -> list[TrainingRecord]:
    """``cohort.train``; any error but the system's as a StudyError that names the arm.

    Unlike others, that one is understood by every process.
    """
    try:
        return cohort.train(declared, job, nets)
    except OSError:
        raise
    except Exception as error:
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise StudyError(f"arm {job.arm}: {kind}{error}") from error


class Runner:
    """The trainings of a board, carried out on workers until none is left."""

    def __init__(
        self,
        board: Scheduler,
        workers: Executor,
        keep: Callable[[list[TrainingRecord]], None],
        watch: Watch,
        nets: str | None,
    ) -> None:
        self.board, self.workers, self.keep, self.nets = board, workers, keep, nets
        self.declared = board.study.model_dump_json()
        self.waiting: list[CohortJob] = [job for arm in board.arms for job in board.ready(arm)]
        self.running: dict[Future[list[TrainingRecord]], CohortJob] = {}
        self.tries: Counter[CohortJob] = Counter()
        self.progress = Progress(board, self.running)
        self.watch = watch

    def finish(self) -> None:
        """Until nothing is left; what is under way when something goes wrong is given up."""
        whole = False
        try:
            self.watch(self.progress)
            while self.waiting or self.running:
                self._submit_ready()
                done = wait(self.running, return_when=FIRST_COMPLETED).done
                for future in sorted(done, key=lambda f: f.exception() is not None):
                    self._collect(future)
                self.watch(self.progress)
            whole = True
        finally:
            for future in self.running:
                future.cancel()
            if isinstance(self.workers, SerialExecutor | ProcessExecutor):
                self.workers.close(now=not whole)

    def _submit_ready(self) -> None:
        """Keep each worker busy, and one cohort in wait; searches first, large cohorts first."""
        slots = getattr(self.workers, "slots", len(self.waiting))
        self.waiting.sort(key=lambda job: (job.stage != "search", -self.progress.cost(job)))
        while self.waiting and len(self.running) < slots + (slots > 1):
            suspects = [job for job in (*self.running.values(), self.waiting[0]) if self.tries[job]]
            if self.running and suspects:
                break  # which of them kills its worker shows when each is alone
            job = self.waiting.pop(0)
            future = self.workers.submit(run_job, self.declared, job, self.nets)
            self.running[future] = job

    def _collect(self, future: Future[list[TrainingRecord]]) -> None:
        job = self.running.pop(future)
        try:
            rows = future.result()
        except BrokenProcessPool:
            self._retry(job)
            return
        self.keep(rows)
        self.board.add(rows)
        self.progress.cohorts += 1
        arm = next(arm for arm in self.board.arms if arm.name == job.arm)
        known = {key for other in (*self.waiting, *self.running.values()) for key in other.keys}
        self.waiting += [new for new in self.board.ready(arm) if known.isdisjoint(new.keys)]

    def _retry(self, job: CohortJob) -> None:
        self.tries[job] += 1
        if self.tries[job] == TRIES:
            raise StudyError(
                f"arm {job.arm}: a worker died {TRIES} times over a cohort of "
                f"{len(job.trainings)} trainings; too little memory? say --width, or fewer --jobs"
            )
        self.waiting.append(job)
