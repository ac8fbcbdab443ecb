"""Any executor of ``concurrent.futures``, or with its ``submit``: threads, loky, MPI and others."""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, final
from uuid import uuid4

from chainrule._util.kinds import describe_object
from chainrule.recipes.errors import StudyError
from chainrule.study.execution.executors.base import Engine, Executor
from chainrule.study.execution.workers.stop_requests import StoppableWork, request_stop

__all__ = ["FuturesEngine"]

T = TypeVar("T")


@final
class FuturesEngine(Engine):
    """An executor of the user's own, who closes it.

    It takes all cohorts at once, unless it has ``max_workers``. With ``make``, which gave it, a
    broken one is replaced by another, and it is closed here.
    """

    is_remote = True

    def __init__(self, executor: Executor, make: Callable[[], Executor] | None = None) -> None:
        self._executor, self._make = executor, make
        self._begun: set[Future[Any]] = set()
        self._stop_file = name_stop_file()

    @property
    def max_workers(self) -> int | None:
        workers: int | None = getattr(self._executor, "max_workers", None)
        return workers

    def submit(self, f: Callable[..., T], /, *args: Any) -> Future[T]:
        work = StoppableWork(f, str(self._stop_file))
        try:
            future = self._executor.submit(work, *args)
        except BrokenExecutor as error:
            if self._make is None:
                raise StudyError(
                    f"the executor {type(self._executor).__name__} is broken, and takes nothing "
                    "more; what is done is kept: go on with a new one\n  "
                    f"{type(error).__name__}: {error}"
                ) from None
            self._executor = self._make()
            future = self._executor.submit(work, *args)
        if not callable(getattr(future, "add_done_callback", None)):
            raise StudyError(
                f"the executor {type(self._executor).__name__}: expected its submit to return a "
                f"concurrent.futures.Future, got {describe_object(future)}"
            )
        self._begun.add(future)
        future.add_done_callback(self._begun.discard)
        return future

    def stop(self, run: str) -> None:
        """Give up what waits; what runs in this machine's processes and threads ends soon."""
        for future in [*self._begun]:
            future.cancel()
        request_stop(run)
        with suppress(OSError):  # a full disk, say
            self._stop_file.touch()
        atexit.register(self._stop_file.unlink, missing_ok=True)  # after those who wait for workers
        self._stop_file = name_stop_file()  # for the next run

    def close(self) -> None:
        """Nothing, where the user closes it."""
        shutdown = getattr(self._executor, "shutdown", None)
        if self._make is not None and shutdown is not None:
            shutdown()


def name_stop_file() -> Path:
    """A file that is not there yet, and whose name nobody else has."""
    return Path(tempfile.gettempdir(), f"chainrule-stop-{uuid4().hex}")
