"""One cohort after the other, in this process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar, final

import torch

__all__ = ["SerialExecutor"]

T = TypeVar("T")


@final
class SerialExecutor:
    """One thing at a time, in this process, on one thread; it is done when ``submit`` returns."""

    max_workers = 1

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
