"""The engine that was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chainrule.study.execution.executors.base import Engine, Executor
from chainrule.study.execution.executors.futures import FuturesEngine
from chainrule.study.execution.executors.processes import ProcessExecutor
from chainrule.study.execution.executors.serial import SerialExecutor

__all__ = ["use_engine"]


@contextmanager
def use_engine(executor: Executor | None, jobs: int) -> Iterator[Engine]:
    """What trains: the user's executor, or so many processes; one job is done in this one.

    What was opened here is closed.
    """
    if isinstance(executor, Engine):
        yield executor
    elif executor is not None:
        yield FuturesEngine(executor)
    else:
        with SerialExecutor() if jobs <= 1 else ProcessExecutor(jobs) as engine:
            yield engine
