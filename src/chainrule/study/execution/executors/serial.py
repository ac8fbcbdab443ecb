"""One cohort after the other, in this process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar, final

from chainrule._util.threads import one_thread
from chainrule.study.execution.executors.base import Engine

__all__ = ["SerialExecutor"]

T = TypeVar("T")


@final
class SerialExecutor(Engine):
    """One thing at a time, in this process, on one thread; it is done when ``submit`` returns."""

    @property
    def max_workers(self) -> int:
        return 1

    def submit(self, f: Callable[..., T], /, *args: Any) -> Future[T]:
        """Do f(*args). Ctrl-C goes through; any other error is kept in the future."""
        future: Future[T] = Future()
        with one_thread():
            try:
                future.set_result(f(*args))
            except Exception as error:
                future.set_exception(error)
        return future

    def stop(self, run: str) -> None:
        """Nothing is under way."""

    def close(self) -> None:
        """Nothing is left to do."""
