"""Who has the cores: PyTorch's threads, or the kernel's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch

__all__ = ["kernel_threads", "threads_to_the_kernel"]

_given: ContextVar[int | None] = ContextVar("threads", default=None)


@contextmanager
def threads_to_the_kernel() -> Iterator[None]:
    """In here, the kernel has all threads and PyTorch one.

    Between operations PyTorch's threads wait for work without rest, and the kernel's would have
    no core.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    before = _given.set(threads)
    try:
        yield
    finally:
        _given.reset(before)
        torch.set_num_threads(threads)


def kernel_threads() -> int:
    """How many the kernel may use."""
    return _given.get() or torch.get_num_threads()
