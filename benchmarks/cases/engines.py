"""Tiny cohorts through each engine, against this process alone: what it costs to give one out."""

from __future__ import annotations

import importlib.util
import statistics
import time
from typing import Any

from benchmarks.measuring import quartiles
from benchmarks.options import Options
from benchmarks.rows import Row
from chainrule._util.processes import available_cpus
from chainrule.study import Study
from chainrule.study import run as run_study
from chainrule.study.execution.executors import Engine, open_engine

__all__ = ["run"]

ENGINES = {"processes": "torch", "dask": "distributed", "ray": "ray"}
"""Engine → the library that it needs."""


def run(options: Options) -> list[Row]:
    """A row an engine that is installed: its peer is the engine, ours the serial one."""
    n, workers = 20 if options.quick else 200, available_cpus()
    rows = []
    for name, library in ENGINES.items():
        if not options.wanted(name):
            continue
        if importlib.util.find_spec(library) is None:
            options.say(f"{name}: {library} is not installed")
            continue
        with open_engine("serial", 1) as serial, open_engine(name, max(2, workers)) as engine:
            time_cohorts(engine, 4 * workers)  # the workers begin, and import what they need
            pairs = [
                (time_cohorts(serial, n), time_cohorts(engine, n)) for _ in range(options.repeat)
            ]
        low, ratio, high = quartiles([theirs / ours for ours, theirs in pairs])
        rows.append(
            Row(
                workload=f"{n} cohorts of one tiny net",
                replicas=1,
                peer=f"{name}, {max(2, workers)} workers",
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
            )
        )
    return rows


def time_cohorts(engine: Engine, n: int) -> float:
    """Seconds a cohort, of so many that a run gives out."""
    start = time.perf_counter()
    run_study(tiny_study(n), executor=engine)
    return (time.perf_counter() - start) / n


def tiny_study(n: int) -> Study:
    """n rounds of a net that learns in a moment, each a cohort."""
    declared: dict[str, Any] = {
        "name": "tiny",
        "rounds": n,
        "epochs": 1,
        "cohort_size": 1,
        "data": {"name": "disk_points", "train": 60, "test": 30},
        "net": {"name": "disk_net", "hidden": 3},
        "loss": "CrossEntropyLoss",
        "optimizer": "Adam",
        "arms": {"one": {}},
    }
    return Study(**declared)
