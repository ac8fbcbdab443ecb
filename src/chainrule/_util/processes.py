"""Processes to work in: as many as there are cores, and begun without importing all anew."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from chainrule._util.fork_server import PARENT

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

__all__ = ["available_cpus", "block_interrupts", "forkserver_context", "preload_workers"]


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
        context.set_forkserver_preload(["chainrule._util.fork_server", *modules])
        with suppress(OSError):  # a path too long for a socket, say
            # A tracker started by the server's start would let Ctrl-C through again.
            with block_interrupts():
                resource_tracker.ensure_running()
            # A library that had begun threads could not be forked safely.
            own = {"OPENBLAS_NUM_THREADS": "1", PARENT: str(os.getpid())}
            with block_interrupts(), temporary_env(own):
                forkserver.ensure_running()
            return context
    return multiprocessing.get_context("spawn")


def preload_workers(*modules: str) -> None:
    """Let the process that workers are forked from import these modules while this one does."""
    if sys.platform == "linux":
        forkserver_context(*modules)


@contextmanager
def temporary_env(variables: Mapping[str, str]) -> Iterator[None]:
    """Processes that are begun in here have these environment variables."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def block_interrupts() -> Iterator[None]:
    """Processes that are begun in here do not notice Ctrl-C, nor that the terminal closes.

    Both are their parent's business, who ends them.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
