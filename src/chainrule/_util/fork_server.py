"""Imported first by the process that workers are forked from.

It is killed when its parent ends. It would notice that by itself, but after its imports alone, and
then take a second or two to look through all of PyTorch, while whoever reads its output waits for
the end of that. And it looks for no garbage: what it imports is none, and looking through it took a
sixth of its time. What is forked from it looks for garbage among its own.
"""

from __future__ import annotations

import gc
import os
import signal
import sys

__all__ = ["PARENT", "collect_own_garbage"]

PARENT = "CHAINRULE_PARENT_PID"
"""The environment variable that tells this process who began it; no other process has it."""

PR_SET_PDEATHSIG = 1
"""Of Linux's ``prctl``: which signal comes when the parent ends; a fork does not inherit it."""


def collect_own_garbage() -> None:
    """Look for garbage from here on, but among what was made before."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


if PARENT in os.environ and sys.platform == "linux":
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.environ[PARENT] != str(os.getppid()):  # it has ended before this was said
        os._exit(0)
    gc.disable()
    os.register_at_fork(after_in_child=collect_own_garbage)
