"""Any executor of ``concurrent.futures``, or with its ``submit``: threads, loky, MPI and others."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from typing import Any, TypeVar, final

from chainrule.recipes.errors import StudyError
from chainrule.study.execution.executors.base import Engine, Executor
from chainrule.study.execution.workers.stop_requests import request_stop

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

    @property
    def max_workers(self) -> int | None:
        workers: int | None = getattr(self._executor, "max_workers", None)
        return workers

    def submit(self, f: Callable[..., T], /, *args: Any) -> Future[T]:
        try:
            future = self._executor.submit(f, *args)
        except BrokenExecutor as error:
            if self._make is None:
                raise StudyError(
                    f"the executor {type(self._executor).__name__} is broken, and takes nothing "
                    "more; what is done is kept: go on with a new one\n  "
                    f"{type(error).__name__}: {error}"
                ) from None
            self._executor = self._make()
            future = self._executor.submit(f, *args)
        self._begun.add(future)
        future.add_done_callback(self._begun.discard)
        return future

    def stop(self, run: str) -> None:
        """Give up what waits; what runs ends where it is a thread of this process."""
        for future in [*self._begun]:
            future.cancel()
        request_stop(run)

    def close(self) -> None:
        """Nothing, where the user closes it."""
        shutdown = getattr(self._executor, "shutdown", None)
        if self._make is not None and shutdown is not None:
            shutdown()
