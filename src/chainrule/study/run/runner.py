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
from chainrule.study.run.cohorts import Job
from chainrule.study.run.executors import Here, Submits, Workers
from chainrule.study.run.progress import Progress
from chainrule.study.run.provenance import provenance
from chainrule.study.run.resume import enrol
from chainrule.study.run.scheduler import Board
from chainrule.study.spec.study import Study
from chainrule.study.store import open_store
from chainrule.study.store.record import Row

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
    executor: Submits | None = None,
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
        stack.enter_context(kept.running())
        here = provenance()
        record = enrol(kept, study, here, extend=extend)
        board = Board(study, chosen, kept.rows(record.id))

        def keep(rows: list[Row]) -> None:
            kept.add_run(record.id, here)
            kept.add(record.id, rows)

        where = None if nets is None else str(nets)
        workers = executor or (Here() if jobs == 1 else Workers(jobs))
        interrupted = False
        try:
            Run(board, workers, keep, watch, where).finish()
        except KeyboardInterrupt:
            interrupted = True
        return result_of(kept, record.id, interrupted=interrupted)


def carry_out(declared: str, job: Job, nets: str | None) -> list[Row]:
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


class Run:
    """The trainings of a board, carried out on workers until none is left."""

    def __init__(
        self,
        board: Board,
        workers: Submits,
        keep: Callable[[list[Row]], None],
        watch: Watch,
        nets: str | None,
    ) -> None:
        self.board, self.workers, self.keep, self.nets = board, workers, keep, nets
        self.declared = board.study.model_dump_json()
        self.waiting: list[Job] = [job for arm in board.arms for job in board.ready(arm)]
        self.running: dict[Future[list[Row]], Job] = {}
        self.tries: Counter[Job] = Counter()
        self.progress = Progress(board, self.running)
        self.watch = watch

    def finish(self) -> None:
        """Until nothing is left; what is under way when something goes wrong is given up."""
        whole = False
        try:
            self.watch(self.progress)
            while self.waiting or self.running:
                self._begin()
                done = wait(self.running, return_when=FIRST_COMPLETED).done
                for future in sorted(done, key=lambda f: f.exception() is not None):
                    self._end(future)
                self.watch(self.progress)
            whole = True
        finally:
            for future in self.running:
                future.cancel()
            if isinstance(self.workers, Here | Workers):
                self.workers.close(now=not whole)

    def _begin(self) -> None:
        """Keep each worker busy, and one cohort in wait; searches first, large cohorts first."""
        slots = getattr(self.workers, "slots", len(self.waiting))
        self.waiting.sort(key=lambda job: (job.stage != "search", -self.progress.cost(job)))
        while self.waiting and len(self.running) < slots + (slots > 1):
            suspects = [job for job in (*self.running.values(), self.waiting[0]) if self.tries[job]]
            if self.running and suspects:
                break  # which of them kills its worker shows when each is alone
            job = self.waiting.pop(0)
            future = self.workers.submit(carry_out, self.declared, job, self.nets)
            self.running[future] = job

    def _end(self, future: Future[list[Row]]) -> None:
        job = self.running.pop(future)
        try:
            rows = future.result()
        except BrokenProcessPool:
            self._again(job)
            return
        self.keep(rows)
        self.board.add(rows)
        self.progress.cohorts += 1
        arm = next(arm for arm in self.board.arms if arm.name == job.arm)
        known = {key for other in (*self.waiting, *self.running.values()) for key in other.keys}
        self.waiting += [new for new in self.board.ready(arm) if known.isdisjoint(new.keys)]

    def _again(self, job: Job) -> None:
        self.tries[job] += 1
        if self.tries[job] == TRIES:
            raise StudyError(
                f"arm {job.arm}: a worker died {TRIES} times over a cohort of "
                f"{len(job.trainings)} trainings; too little memory? say --width, or fewer --jobs"
            )
        self.waiting.append(job)
