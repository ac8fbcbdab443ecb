"""What a study needs of an executor."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

__all__ = ["Executor"]

T = TypeVar("T")


class Executor(Protocol):
    """The part of ``concurrent.futures.Executor`` that a study needs."""

    def submit(self, f: Callable[..., T], /, *args: Any) -> Future[T]:
        """Begin f(*args) somewhere."""
