"""What a study needs of where it is trained."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Future
from typing import Any, ClassVar, Protocol, Self, TypeVar

__all__ = ["Engine", "Executor"]

T = TypeVar("T")


class Executor(Protocol):
    """The part of ``concurrent.futures.Executor`` that a study needs."""

    def submit(self, f: Callable[..., T], /, *args: Any) -> Future[T]:
        """Begin f(*args) somewhere."""


class Engine(ABC):
    """Where the cohorts of a study are trained: an executor that says more than others do.

    - ``lost``: the errors that mean that a worker is gone, or that a job was dropped: it is given
      out again.
    - ``given_up``: those of these that the engine ends with after it has tried again by itself.
    """

    lost: tuple[type[BaseException], ...] = (BrokenExecutor, CancelledError)
    given_up: tuple[type[BaseException], ...] = ()
    is_remote: ClassVar[bool] = False
    """Whether its workers may have other files, or other versions, than this process."""

    @property
    @abstractmethod
    def max_workers(self) -> int | None:
        """How many cohorts it trains at once now, which may change; None where it takes all."""

    @abstractmethod
    def submit(self, f: Callable[..., T], /, *args: Any) -> Future[T]:
        """Begin f(*args) somewhere. Raises StudyError where nothing can be begun any more."""

    def deliver(self, f: Callable[[T], None], content: T, place: str) -> Future[None]:
        """Do f(content) on one worker of a place (see ``name_place``); where the engine cannot say
        which, on any.
        """
        return self.submit(f, content)

    def check(self) -> None:  # noqa: B027  # most have nothing to say
        """After a job was lost: raise StudyError where to give it out again would be of no use."""

    @abstractmethod
    def stop(self, run: str) -> None:
        """Give up, at once, what is under way for this run."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what it holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
