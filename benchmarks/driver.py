"""``python -m benchmarks.driver``: what handing out cohorts costs, and what one driver can feed.

Nobody trains: rows come at once, and simulated workers take as long as they are told. The cost of a
cohort is processor time of the real scheduler, runner and store. The time of simulated workers is a
number, and where it is asked for the driver's own time goes by in it too.
"""

from __future__ import annotations

import pickle
import tempfile
import time
from collections.abc import Collection
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

from chainrule import seeds
from chainrule.study import Study, TrainingRecord, open_store, run
from chainrule.study.execution.cohorts import CohortJob, Training
from chainrule.study.execution.scheduling import job_queue
from chainrule.study.execution.workers.package import JobResult

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SimulatedWorkers", "declare_study", "run_simulated"]

CURVE = 25
"""Values in each curve of a row: epochs of a small study."""


def declare_study(rounds: int, arms: int = 4, **changes: Any) -> Study:
    """A search of 12 candidates in each round, in cohorts of 5 trainings."""
    declared: dict[str, Any] = {
        "name": "simulated",
        "rounds": rounds,
        "data": {"name": "disk_points", "train": 60, "test": 30},
        "net": {"name": "disk_net", "hidden": 3},
        "loss": "CrossEntropyLoss",
        "optimizer": "Adam",
        "epochs": CURVE,
        "cohort_size": 5,
        "arms": {f"arm-{i}": {"net": {"hidden": 3 + 2 * i}} for i in range(arms)},
        "space": {"optimizer.lr": {"low": 0.001, "high": 0.1, "log": True}},
        "search": {"method": "random", "candidates": 12, "each_round": True},
    }
    return Study(**{**declared, **changes})


@dataclass(frozen=True)
class Span:
    """When a cohort was trained, in seconds since the run began."""

    start: float
    end: float


class SimulatedWorkers:
    """An executor whose workers take a time drawn for each cohort, log-normal about ``seconds``.

    - ``spread``: of the logarithm; 0 makes all cohorts take the same.
    - ``counts_driver``: the processor time of the driver goes by, too.
    """

    def __init__(
        self, max_workers: int, seconds: float, spread: float = 0.7, *, counts_driver: bool = False
    ) -> None:
        self.max_workers, self.seconds, self.spread = max_workers, seconds, spread
        self.counts_driver = counts_driver
        self.now, self._looked = 0.0, time.process_time()
        self.spans: list[Span] = []
        self._free = [0.0] * max_workers
        self._pending: dict[Future[JobResult], tuple[float, CohortJob]] = {}

    def submit(self, function: Any, *given: Any) -> Future[JobResult]:
        """Begin a cohort, when a worker is free."""
        self._let_time_pass()
        job = next(value for value in given if isinstance(value, CohortJob))
        draw = np.random.default_rng(seeds.derive(7, *map(str, job.keys[0])))
        worker = int(np.argmin(self._free))
        start = max(self.now, self._free[worker])
        end = start + self.seconds * float(np.exp(self.spread * draw.normal()))
        self._free[worker] = end
        self.spans.append(Span(start, end))
        future: Future[JobResult] = Future()
        self._pending[future] = end, job
        return future

    def wait(self, futures: Collection[Any], *_: Any) -> SimulatedWait:
        """The cohort that ends first, when it ends."""
        self._let_time_pass()
        first = min(self._pending, key=lambda future: self._pending[future][0])
        end, job = self._pending.pop(first)
        self.now = max(self.now, end)
        first.set_result(JobResult([make_row(job, training) for training in job.trainings]))
        self._looked = time.process_time()
        return SimulatedWait({first})

    def _let_time_pass(self) -> None:
        if self.counts_driver:
            self.now += time.process_time() - self._looked
            self._looked = time.process_time()

    def busy(self) -> float:
        """The share of the workers' time that they train, until all is done."""
        end = max(span.end for span in self.spans)
        return sum(span.end - span.start for span in self.spans) / (end * self.max_workers)

    def busy_until_tail(self) -> float:
        """The same until fewer cohorts are left to begin than there are workers.

        From then on not all of them can be busy, whatever is handed out.
        """
        tail = sorted(span.start for span in self.spans)[-self.max_workers]
        busy = sum(max(0.0, min(span.end, tail) - span.start) for span in self.spans)
        return busy / (tail * self.max_workers)


@dataclass(frozen=True)
class SimulatedWait:
    """What ``concurrent.futures.wait`` gives."""

    done: set[Future[JobResult]]


@contextmanager
def simulated_time(workers: SimulatedWorkers) -> Iterator[None]:
    """In here a run waits for simulated workers."""
    with patch.object(job_queue, "wait", workers.wait):
        yield


def run_simulated(study: Study, workers: SimulatedWorkers, store: Path | None = None) -> float:
    """Run a study that nobody trains; processor seconds a cohort."""
    start = time.process_time()
    with simulated_time(workers):
        run(study, store=store, executor=workers)
    return (time.process_time() - start) / len(workers.spans)


def make_row(job: CohortJob, training: Training) -> TrainingRecord:
    """A row with a score that follows from its name."""
    score = seeds.derive(7, *map(str, (job.arm, job.stage, training))) / 2**63
    curve = [score] * CURVE
    return TrainingRecord(
        arm=job.arm,
        stage=job.stage,
        candidate=training.candidate,
        round=training.round,
        fold=training.fold,
        status="done",
        setting=training.setting,
        metrics={"accuracy": score, "loss": score, "train_loss": score},
        epochs=CURVE,
        seconds=1.0,
        cohort_size=len(job.trainings),
        parameters=100,
        n_train=60,
        n_test=30,
        seeds={"net": 1, "order": 2},
        curves=dict.fromkeys(("accuracy", "loss", "train_loss"), curve),
    )


def measure_transfer(study: Study) -> tuple[int, int]:
    """Bytes that go to a worker and back for a cohort of five trainings, as pickle writes them."""
    sent: list[int] = []

    class Weighing(SimulatedWorkers):
        def submit(self, function: Any, *given: Any) -> Future[JobResult]:
            sent.append(len(pickle.dumps((function, given))))
            return super().submit(function, *given)

    workers = Weighing(4, 1.0)
    run_simulated(study.with_overrides(rounds=2), workers)
    training = Training(0, {"optimizer.lr": 0.01}, 0, 0)
    job = CohortJob("arm-0", "final", study.all_arms[0].recipe, (), (training,) * 5)
    rows = [make_row(job, training) for _ in range(5)]
    return max(sent), len(pickle.dumps(JobResult([replace(row) for row in rows])))


def measure_proposals(method: str, candidates: int) -> tuple[float, int]:
    """(processor seconds a cohort, cohorts) where candidates in two dimensions are proposed."""
    search = {"method": method, "candidates": candidates, "each_round": True}
    rates = {"low": 0.0001, "high": 0.1, "log": True}
    space = {"optimizer.lr": rates, "optimizer.weight_decay": rates}
    workers = SimulatedWorkers(16, 10.0)
    study = declare_study(rounds=960 // candidates // 4, search=search, space=space)
    return run_simulated(study, workers), len(workers.spans)


def measure_commit(repeats: int = 50) -> float:
    """Seconds on the clock until five rows are on the disk, the median."""
    job = CohortJob("arm-0", "final", declare_study(2).all_arms[0].recipe, (), ())
    rows = [make_row(job, Training(0, {}, r, 0)) for r in range(5 * repeats)]
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder, "s.sqlite")) as store:
        record = store.open_study("simulated", "0", {"toml": ""}, {"time": ""}, rows[:1])
        seconds = []
        for i in range(repeats):
            start = time.perf_counter()
            store.add(record.id, rows[5 * i : 5 * i + 5])
            seconds.append(time.perf_counter() - start)
    return median(seconds)


def main() -> None:
    """Print what a cohort costs, what goes to and fro, and how busy workers are."""
    study = declare_study(rounds=100)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "study.sqlite")
        workers = SimulatedWorkers(16, 10.0)
        cost = run_simulated(study, workers, path)
        n, size = len(workers.spans), path.stat().st_size
    sent, returned = measure_transfer(study)
    print(f"driver: {1e3 * cost:.1f} ms of processor a cohort, {n:,} cohorts of 5 trainings")
    for method, candidates in (("tpe", 12), ("tpe", 48), ("tpe", 200), ("gp", 12)):
        cost, count = measure_proposals(method, candidates)
        print(
            f"{method} of {candidates}: {1e3 * cost:.1f} ms of processor a cohort, {count} cohorts"
        )
    print(
        f"store: {size / n / 1024:.1f} KiB a cohort, on the disk in {1e3 * measure_commit():.1f} ms"
    )
    print(f"network: {sent / 1024:.1f} KiB to a worker, {returned / 1024:.1f} KiB back")
    for count, rounds in ((16, 40), (1000, 1000)):
        workers = SimulatedWorkers(count, 10.0, counts_driver=True)
        run_simulated(declare_study(rounds), workers)
        print(
            f"{count:,} workers, {len(workers.spans):,} cohorts of about 10 s: "
            f"{100 * workers.busy_until_tail():.0f} % busy until the tail, "
            f"{100 * workers.busy():.0f} % in all"
        )


if __name__ == "__main__":
    main()
