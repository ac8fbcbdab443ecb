"""What a worker process does first, and what ends it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection

import torch

from chainrule._util.malloc import disable_malloc_trim

__all__ = ["initialize_worker"]


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
