"""Processes to work in: as many as there are cores, and begun without importing all anew."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

__all__ = ["available_cpus", "block_sigint", "forkserver_context", "preload_workers"]


def available_cpus() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def forkserver_context(*modules: str) -> BaseContext:
    """How workers that need these modules are begun.

    On Linux they are forked from a process that has imported the modules and never did anything
    else; it is started here, and ends with this one. Python has one such process for each program:
    if yours has started it before, workers import what it has not. Elsewhere, and where there
    can be none, each worker imports everything anew.
    """
    import multiprocessing

    if sys.platform == "linux":
        from multiprocessing import forkserver, resource_tracker

        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(modules))
        with suppress(OSError):  # a path too long for a socket, say
            # A tracker started by the server's start would let Ctrl-C through again.
            resource_tracker.ensure_running()
            # A library that had begun threads could not be forked safely.
            with block_sigint(), temporary_env("OPENBLAS_NUM_THREADS", "1"):
                forkserver.ensure_running()
            return context
    return multiprocessing.get_context("spawn")


def preload_workers(*modules: str) -> None:
    """Let the process that workers are forked from import these modules while this one does."""
    if sys.platform == "linux":
        forkserver_context(*modules)


@contextmanager
def temporary_env(name: str, value: str) -> Iterator[None]:
    """Processes that are begun in here have this environment variable."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextmanager
def block_sigint() -> Iterator[None]:
    """Processes that are begun in here do not notice Ctrl-C, which is their parent's business."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
