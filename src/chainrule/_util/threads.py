"""Who has the cores: PyTorch's threads, or the kernel's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

import torch

__all__ = ["give_threads_to_kernel", "kernel_threads", "one_thread", "torch_threads"]

_kernel_threads: ContextVar[int | None] = ContextVar("kernel_threads", default=None)


@contextmanager
def torch_threads(n: int) -> Iterator[None]:
    """In here, PyTorch has so many threads; afterwards as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


_lock = Lock()
_inside = 0
_outside = 1


@contextmanager
def one_thread() -> Iterator[None]:
    """In here, PyTorch has one thread; afterwards as many as before the first of those in here.

    Unlike :func:`torch_threads` it may be entered in several of Python's threads at once: each has
    a number of its own, but one that begins takes that which was set last.
    """
    global _inside, _outside  # who is in here is known to all threads
    with _lock:
        if not _inside:
            _outside = torch.get_num_threads()
        _inside += 1
    torch.set_num_threads(1)  # small products are slower on several
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            torch.set_num_threads(_outside)


@contextmanager
def give_threads_to_kernel() -> Iterator[None]:
    """In here, the kernel has all threads and PyTorch one.

    Between operations PyTorch's threads wait for work without rest, and the kernel's would have
    no core.
    """
    before = _kernel_threads.set(torch.get_num_threads())
    try:
        with torch_threads(1):
            yield
    finally:
        _kernel_threads.reset(before)


def kernel_threads() -> int:
    """How many the kernel may use."""
    return _kernel_threads.get() or torch.get_num_threads()
