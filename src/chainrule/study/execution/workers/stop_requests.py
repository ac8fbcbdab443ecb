"""Runs that this process is asked to stop computing for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, Generic, TypeVar, final
from weakref import WeakValueDictionary

from chainrule._util.stopping import StopFile, stoppable
from chainrule.recipes.errors import StudyError

__all__ = ["JobStoppedError", "StoppableWork", "obey_stop_requests", "request_stop"]

T = TypeVar("T")

_requests: WeakValueDictionary[str, Event] = WeakValueDictionary()
"""The name of a run → whether to stop, as long as something is computed for it."""

_ended: deque[str] = deque(maxlen=1000)
"""Runs that have ended: a cohort of one may come late."""


class JobStoppedError(StudyError):
    """A cohort was given up because its run ends."""


@contextmanager
def obey_stop_requests(run: str) -> Iterator[None]:
    """In here, a training ends soon after :func:`request_stop`. Raises JobStoppedError then.

    A KeyboardInterrupt in its place would end a worker that serves others too.
    """
    event = _requests.setdefault(run, Event())
    if run in _ended:
        event.set()
    try:
        with stoppable(event):
            yield
    except KeyboardInterrupt:
        if not event.is_set():
            raise
        raise JobStoppedError("the run was ended") from None


def request_stop(run: str) -> None:
    """Let what this process computes for a run end at the next step; no other run is touched."""
    _ended.append(run)
    if (event := _requests.get(run)) is not None:
        event.set()


@final
@dataclass(frozen=True)
class StoppableWork(Generic[T]):
    """``work``, which a file of this path ends soon after it is made.

    For workers on this machine that can be told in no other way. Those of another machine do not
    see the file, and go on.
    """

    work: Callable[..., T]
    stop_file: str

    def __call__(self, *args: Any) -> T:
        """work(*args). Raises JobStoppedError where it was ended."""
        try:
            with stoppable(StopFile(self.stop_file)):
                return self.work(*args)
        except KeyboardInterrupt:
            if not Path(self.stop_file).exists():
                raise
            raise JobStoppedError("the run was ended") from None
