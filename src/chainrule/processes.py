"""Processes to work in: as many as there are cores, and begun without importing all anew."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext

__all__ = ["ahead", "cores", "shielded", "workshop"]

NEEDED = ("chainrule.study.engine", "chainrule.cli")
"""What a worker imports: the latter where the command line begins it."""


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def workshop() -> BaseContext:
    """How a study's workers are begun.

    On Linux they are forked from a process that has imported what they need and never did anything
    else; that process is started with the first worker, or ``ahead`` of it, and ends with this
    one. Elsewhere each worker imports everything anew.
    """
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(NEEDED))
    return context


def ahead() -> None:
    """Let the process that workers are forked from import what they need while this one does."""
    if sys.platform == "linux":
        from multiprocessing.forkserver import ensure_running

        workshop()
        with shielded():
            ensure_running()


@contextmanager
def shielded() -> Iterator[None]:
    """Processes that are begun in here do not notice Ctrl-C, which is their parent's business."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
