"""Imported by the process that workers are forked from: it is killed when its parent ends.

It would notice that by itself, but after its imports alone, and then take a second or two to look
through all of PyTorch, while whoever reads its output waits for the end of that.
"""

from __future__ import annotations

import os
import signal
import sys

__all__ = ["PARENT"]

PARENT = "CHAINRULE_PARENT_PID"
"""The environment variable that tells this process who began it; no other process has it."""

PR_SET_PDEATHSIG = 1
"""Of Linux's ``prctl``: which signal comes when the parent ends; a fork does not inherit it."""

if PARENT in os.environ and sys.platform == "linux":
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.environ[PARENT] != str(os.getppid()):  # it has ended before this was said
        os._exit(0)
