"""Cohorts through each engine, against this process alone: what it costs to give one out.

And uneven cohorts given to 16 workers that are simulated: how busy the scheduler keeps them.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from benchmarks.driver import SimulatedWorkers, declare_study, run_simulated
from benchmarks.measuring import quartiles
from benchmarks.options import Options
from benchmarks.rows import Row
from chainrule._util.processes import available_cpus
from chainrule.study import Study
from chainrule.study import run as run_study
from chainrule.study.execution.executors import Engine, open_engine

__all__ = ["run", "simulate_uneven"]

ENGINES = {
    "processes": ("torch", "processes"),
    "dask": ("distributed", "dask"),
    "ray": ("ray", "ray"),
    "loky": ("joblib", "joblib.externals.loky:get_reusable_executor"),
    "spawn": ("torch", "concurrent.futures:ProcessPoolExecutor"),
    "mpi": ("mpi4py", "mpi4py.futures:MPIPoolExecutor"),
}
"""Name → (the library that it needs, the engine)."""

SIMULATED = "16 simulated workers"

LONG = 300
"""Epochs that take about half a second, with a look at the test samples after each."""


def run(options: Options) -> list[Row]:
    """Rows for each engine that is installed: its peer is the engine, ours the serial one."""
    rows = []
    for name, (library, _) in ENGINES.items():
        if not options.wanted(name):
            continue
        if importlib.util.find_spec(library) is None:
            options.say(f"{name}: {library} is not installed")
            continue
        rows += measure_engine(name, options)
    return [*rows, *([simulate_uneven()] if options.wanted(SIMULATED) else [])]


def measure_engine(name: str, options: Options) -> Iterator[Row]:
    """A row for cohorts that take no time, and one for such as take half a second."""
    workers = max(2, available_cpus())
    with open_engine("serial", 1) as serial, open_measured(name, workers) as engine:
        time_cohorts(engine, 4 * workers, 1)  # the workers begin, and import what they need
        for n, epochs in ((20, 1),) if options.quick else ((200, 1), (20, LONG)):
            pairs = [
                (time_cohorts(serial, n, epochs), time_cohorts(engine, n, epochs))
                for _ in range(options.repeat)
            ]
            what = "a moment" if epochs == 1 else f"{epochs:,} epochs"
            yield make_row(f"{n} cohorts of {what}", f"{name}, {workers} workers", pairs, workers)


def open_measured(name: str, workers: int) -> Engine:
    """An engine of so many workers on this machine."""
    _, engine = ENGINES[name]
    options: dict[str, Any] = {"max_workers": workers} if ":" in engine else {}
    if name == "spawn":
        options["mp_context"] = multiprocessing.get_context("spawn")
    return open_engine(engine, workers, options)


def make_row(workload: str, peer: str, pairs: Sequence[tuple[float, float]], workers: int) -> Row:
    """A row of pairs (seconds a cohort in this process alone, by the engine)."""
    low, ratio, high = quartiles([theirs / ours for ours, theirs in pairs])
    return Row(
        workload=workload,
        replicas=1,
        peer=peer,
        ratio=ratio,
        low=low,
        high=high,
        ours_us=1e6 * statistics.median(ours for ours, _ in pairs),
        peer_us=1e6 * statistics.median(theirs for _, theirs in pairs),
        gflops=None,
        ceiling_fraction=None,
        peak_bytes=0,
        peer_peak_bytes=0,
        pairs=len(pairs),
        efficiency=1 / (ratio * workers),
    )


def simulate_uneven(rounds: int = 40) -> Row:
    """Cohorts of about 10 s, some of them four times as long as others; nobody trains.

    The efficiency is that until fewer cohorts are left to begin than there are workers.
    """
    workers = SimulatedWorkers(16, 10.0, counts_driver=True)
    run_simulated(declare_study(rounds), workers)
    n, spans = len(workers.spans), workers.spans
    alone, together = (sum(s.end - s.start for s in spans), max(s.end for s in spans))
    row = make_row(f"{n} uneven cohorts", SIMULATED, [(alone / n, together / n)], 16)
    return replace(row, efficiency=workers.busy_until_tail())


def time_cohorts(engine: Engine, n: int, epochs: int) -> float:
    """Seconds a cohort, of so many that a run gives out."""
    start = time.perf_counter()
    run_study(declare_tiny(n, epochs), executor=engine)
    return (time.perf_counter() - start) / n


def declare_tiny(n: int, epochs: int) -> Study:
    """n rounds of a small net, each a cohort."""
    declared: dict[str, Any] = {
        "name": "tiny",
        "rounds": n,
        "epochs": epochs,
        "cohort_size": 1,
        "data": {"name": "disk_points", "train": 60, "test": 30},
        "net": {"name": "disk_net", "hidden": 3},
        "loss": "CrossEntropyLoss",
        "optimizer": "Adam",
        "arms": {"one": {}},
    }
    return Study(**declared)
