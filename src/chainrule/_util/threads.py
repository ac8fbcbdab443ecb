"""Who has the cores: PyTorch's threads, or the kernel's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch

__all__ = ["give_threads_to_kernel", "kernel_threads", "torch_threads"]

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
