"""The cohorts of a run that wait and that are under way, given to an engine."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import replace
from pathlib import Path
from typing import Any, final

from chainrule._util.notices import print_once
from chainrule._util.user_code import describe_error
from chainrule.recipes.errors import StudyError
from chainrule.study.execution.cohorts import CohortJob
from chainrule.study.execution.executors import Engine, SerialExecutor
from chainrule.study.execution.scheduling.deliveries import Deliveries
from chainrule.study.execution.scheduling.lost_jobs import LostJobs
from chainrule.study.execution.workers.handshake import (
    WorkerInfo,
    WorkerRefusedError,
    describe_version_changes,
)
from chainrule.study.execution.workers.package import JobResult, StudyPackage
from chainrule.study.execution.workers.travel import MissingFilesError
from chainrule.study.round_data import has_device

__all__ = ["JobQueue"]

SECONDS_BETWEEN_LOOKS = 0.5
"""How long it waits at a time."""

Work = Callable[..., JobResult]


@final
class JobQueue:
    """Cohorts that wait, and those that an engine has.

    ``work(package, job, *arguments(job))`` is what a worker does. One that is lost is given out
    again; a worker that lacks some of ``files`` (SHA-256 → file) is sent them. What is trained for
    its time alone is trained last; in this process where workers may be on other machines, for such
    times would be no column, unless the ``device`` is one that only those have.
    """

    def __init__(
        self,
        engine: Engine,
        package: StudyPackage,
        files: Mapping[str, Path],
        work: Work,
        arguments: Callable[[CohortJob], tuple[Any, ...]],
        priority: Callable[[CohortJob], tuple[float, ...]] = lambda _: (),
        device: str = "cpu",
    ) -> None:
        self.engine, self.package, self.files = engine, package, files
        self.work, self.arguments = work, arguments
        self._priority = lambda job: (self._is_timed_alone(job), *priority(job))
        self._has_device = has_device(device)
        self.waiting: list[CohortJob] = []
        self.running: dict[Future[JobResult], CohortJob] = {}
        self._lost = LostJobs(engine)
        self._deliveries = Deliveries(engine)

    def __bool__(self) -> bool:
        """Whether anything is left."""
        return bool(self.waiting) or self._is_busy

    def add(self, jobs: Iterable[CohortJob]) -> None:
        """Let these wait, each in its place by ``priority``."""
        for job in jobs:
            insort(self.waiting, job, key=self._priority)

    def begin(self) -> None:
        """Keep each worker busy, and one cohort in wait."""
        workers = self.engine.max_workers
        if workers == 0:
            print_once("chainrule: no worker has come yet: waiting for one")
        slots = math.inf if workers is None else max(1, workers) + (workers > 1)
        while self.waiting and len(self.running) < slots:
            job = self.waiting[0]
            if self._is_busy and (self._is_timed_alone(job) or self._is_suspect(job)):
                break
            self.running[self._submit(job)] = self.waiting.pop(0)

    def _is_suspect(self, job: CohortJob) -> bool:
        """Which of some cohorts kills its worker shows when each is alone."""
        return not self._lost.suspects.isdisjoint({job, *self.running.values()})

    @property
    def _is_busy(self) -> bool:
        """Whether an engine has something to do, or will have as soon as files have come."""
        return bool(self.running or self._deliveries.under_way)

    def _is_timed_alone(self, job: CohortJob) -> bool:
        """Whether it waits until nothing else is trained."""
        return self.engine.is_remote and job.stage == "timing"

    def _submit(self, job: CohortJob) -> Future[JobResult]:
        engine, package = self.engine, self.package
        if self._is_timed_alone(job) and self._has_device:
            engine, package = SerialExecutor(), replace(package, driver=None)
        elif brought := self._deliveries.read_brought(job, self.files):
            package = replace(package, files=brought)
        return engine.submit(self.work, package, job, *self.arguments(job))

    def collect_finished(self) -> Iterator[tuple[CohortJob, JobResult | StudyError]]:
        """The cohorts that ended, with what they gave, or the error of a training.

        It waits until one has, or until files have come that others wait for.
        One counts as under way until the next is asked for: an interrupt loses nothing that is
        done. Raises StudyError where a cohort cannot be trained for another reason.
        """
        done = self._wait()
        self.add(self._deliveries.take_ready())
        ended = [future for future in done if future in self.running]
        for future in sorted(ended, key=lambda f: find_error(f) is not None):
            job = self.running[future]
            if (outcome := self._look_at(job, future)) is not None:
                yield job, outcome
            del self.running[future]

    def _wait(self) -> Collection[Future[Any]]:
        """Those cohorts and deliveries that are done, one at least.

        Now and then it looks up: a signal that another thread was given does not wake this one.
        """
        under_way = [*self.running, *self._deliveries.under_way]
        while True:
            if done := wait(under_way, SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED).done:
                return done

    def _look_at(self, job: CohortJob, future: Future[JobResult]) -> JobResult | StudyError | None:
        """What came of a cohort; None where it waits again."""
        error = find_error(future)
        if error is None:
            self._warn_of_worker(future.result().worker)
            return future.result()
        if isinstance(error, self.engine.lost):
            self._lost.add(job, error)
        elif isinstance(error, MissingFilesError):
            if self._deliveries.send(job, error, self.files):
                return None
        elif isinstance(error, WorkerRefusedError):
            raise error
        elif isinstance(error, StudyError):
            return error
        else:
            raise StudyError(f"arm {job.arm}: a worker could not begin: {describe_error(error)}")
        self.add([job])
        return None

    def _warn_of_worker(self, worker: WorkerInfo | None) -> None:
        """Say once of a machine in what it differs from this one, where numbers may then too."""
        if worker is not None and self.package.driver is not None:
            for difference in describe_version_changes(self.package.driver, worker):
                print_once(
                    f"chainrule: worker {worker.host} has {difference}: its numbers may differ in "
                    "their last digits"
                )

    def list_done(self) -> Iterator[tuple[CohortJob, JobResult]]:
        """After an interrupt: what was done by then, and not taken yet."""
        for future, job in self.running.items():
            if future.done() and find_error(future) is None:
                yield job, future.result()

    def stop(self) -> None:
        """Give up what is under way."""
        self.engine.stop(self.package.run)


def find_error(future: Future[JobResult]) -> BaseException | None:
    """Why there is no result; that it was cancelled is an error too."""
    return CancelledError("it was cancelled") if future.cancelled() else future.exception()
