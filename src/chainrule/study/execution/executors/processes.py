"""One worker process a core."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar, final

from chainrule._util.processes import block_interrupts, forkserver_context
from chainrule.recipes.errors import StudyError
from chainrule.study.execution.executors.base import Engine
from chainrule.study.execution.executors.worker import initialize_worker

__all__ = ["ProcessExecutor", "exit_while_importing_main"]

T = TypeVar("T")

UNGUARDED = 78
"""The exit code of a worker that was to begin workers while it imported the user's program."""


@final
class ProcessExecutor(Engine):
    """``max_workers`` processes, one thread each, that end with this one, however it ends.

    A worker that dies breaks all futures of that moment (BrokenProcessPool); the next ``submit``
    starts new workers.
    """

    def __init__(self, max_workers: int) -> None:
        self._max_workers = max_workers
        self._context = forkserver_context("chainrule.study.execution.runner")
        self._worker_end, self._own_end = self._context.Pipe(duplex=False)
        self._children: set[BaseProcess] = set()
        self._pool = self._start()

    @property
    def max_workers(self) -> int:
        return self._max_workers

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._max_workers,
            self._context,
            initializer=initialize_worker,
            initargs=(self._worker_end, dict(os.environ)),
        )

    def _restart(self) -> ProcessPoolExecutor:
        self._pool.shutdown(wait=False)
        self._pool = self._start()
        return self._pool

    def submit(self, f: Callable[..., T], /, *args: Any) -> Future[T]:
        """Begin f(*args) in a worker."""
        others = set(multiprocessing.active_children()) - self._children
        with block_interrupts():
            try:
                future = self._pool.submit(f, *args)
            except BrokenProcessPool:
                future = self._restart().submit(f, *args)
            except (EOFError, ConnectionError):  # what workers are forked from is gone
                self._context = multiprocessing.get_context("spawn")
                future = self._restart().submit(f, *args)
        self._children |= set(multiprocessing.active_children()) - others
        return future

    def check(self) -> None:
        """Raise StudyError where a worker ended because it would have begun workers itself."""
        if all(child.exitcode != UNGUARDED for child in self._children):
            return
        program = getattr(sys.modules["__main__"], "__file__", None) or "the program"
        raise StudyError(
            f"each worker process imports {program}, which would run the study there again; write "
            "what it does below the line that only the first process obeys:\n\n"
            '    if __name__ == "__main__":\n        run(study, jobs=2)\n\n'
            "or say jobs=1"
        ) from None

    def stop(self, run: str) -> None:
        """End the workers now."""
        for child in self._children:  # some may be beginning still, and not watch the pipe
            if child.is_alive():
                child.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def close(self) -> None:
        """End the workers when they have nothing left to do."""
        self._pool.shutdown(wait=True)
        self._own_end.close()
        self._worker_end.close()


def exit_while_importing_main() -> None:
    """End this process, and say nothing, where it is a worker that imports the user's program.

    Python cannot begin workers there: the program lacks its guard, as its first process says.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        os._exit(UNGUARDED)
