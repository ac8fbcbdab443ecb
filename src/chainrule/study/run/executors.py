"""Where cohorts are trained: here, or one process a core; any ``concurrent.futures`` will do."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Protocol, TypeVar, final

import torch

from chainrule._util.malloc import disable_malloc_trim
from chainrule._util.processes import block_sigint, forkserver_context

__all__ = ["Executor", "ProcessExecutor", "SerialExecutor"]

T = TypeVar("T")


class Executor(Protocol):
    """The part of ``concurrent.futures.Executor`` that a study needs."""

    def submit(self, f: Callable[..., T], /, *args: Any) -> Future[T]:
        """Begin f(*args) somewhere."""


@final
class SerialExecutor:
    """One thing at a time, in this process, on one thread; it is done when ``submit`` returns."""

    slots = 1

    def submit(self, f: Callable[..., T], /, *args: Any) -> Future[T]:
        """Do f(*args). Ctrl-C goes through; any other error is kept in the future."""
        future: Future[T] = Future()
        before = torch.get_num_threads()
        torch.set_num_threads(1)  # small products are slower on several
        try:
            future.set_result(f(*args))
        except Exception as error:
            future.set_exception(error)
        finally:
            torch.set_num_threads(before)
        return future

    def close(self, *, now: bool = False) -> None:
        """Nothing is left to do."""


@final
class ProcessExecutor:
    """``slots`` processes, one thread each, that end with this one, however it ends.

    A worker that dies breaks all futures of that moment (BrokenProcessPool); the next ``submit``
    starts new workers.
    """

    def __init__(self, slots: int) -> None:
        self.max_workers = slots
        self._context = forkserver_context("chainrule.study.run.runner")
        self._theirs, self._ours = self._context.Pipe(duplex=False)
        self._children: set[BaseProcess] = set()
        self._pool = self._start()

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self.max_workers,
            self._context,
            initializer=initialize_worker,
            initargs=(self._theirs, dict(os.environ)),
        )

    def _restart(self) -> ProcessPoolExecutor:
        self._pool.shutdown(wait=False)
        self._pool = self._start()
        return self._pool

    def submit(self, f: Callable[..., T], /, *args: Any) -> Future[T]:
        """Begin f(*args) in a worker."""
        others = set(multiprocessing.active_children()) - self._children
        with block_sigint():
            try:
                future = self._pool.submit(f, *args)
            except BrokenProcessPool:
                future = self._restart().submit(f, *args)
            except (EOFError, ConnectionError):  # what workers are forked from is gone
                self._context = multiprocessing.get_context("spawn")
                future = self._restart().submit(f, *args)
        self._children = set(multiprocessing.active_children()) - others
        return future

    def close(self, *, now: bool = False) -> None:
        """End the workers: when they have nothing left to do, or ``now``."""
        if now:
            for child in self._children:  # some may be beginning still, and not watch the pipe
                child.kill()
        self._pool.shutdown(wait=True, cancel_futures=now)
        self._ours.close()
        self._theirs.close()


def initialize_worker(parent: Connection, environ: Mapping[str, str]) -> None:
    """What a worker does first: Ctrl-C is its parent's business, one thread, and a watch.

    ``environ``: its parent's variables, which may have changed since it was forked.
    """
    os.environ.clear()
    os.environ.update(environ)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    disable_malloc_trim()
    threading.Thread(target=exit_with_parent, args=(parent,), daemon=True).start()


def exit_with_parent(parent: Connection) -> None:
    """End this process when its parent, who holds the other end of the pipe, is gone."""
    with suppress(EOFError, OSError):
        parent.recv_bytes()
    os._exit(1)
