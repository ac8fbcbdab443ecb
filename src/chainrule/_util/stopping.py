"""A request to stop, which a computation looks for between two steps; Ctrl-C needs none of it.

Where a training runs in a thread that hears no signal, on another machine say, who wants it to end
sets an event; or makes a file, for a process that can be told in no other way.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Protocol, final

__all__ = ["StopFile", "StopRequest", "check_stop", "stoppable"]

SECONDS_BETWEEN_LOOKS = 0.2


class StopRequest(Protocol):
    """What says whether to stop, such as an Event."""

    def is_set(self) -> bool:
        """Whether it was asked for."""


@final
class StopFile:
    """A request that is made by a file, for which it looks a few times a second."""

    def __init__(self, path: str) -> None:
        self.path, self._next_look = Path(path), 0.0

    def is_set(self) -> bool:
        """Whether the file was there when it last looked."""
        now = time.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + SECONDS_BETWEEN_LOOKS
        return self.path.exists()


_requests: ContextVar[tuple[StopRequest, ...]] = ContextVar("stop", default=())


@contextmanager
def stoppable(request: StopRequest) -> Iterator[None]:
    """In here, :func:`check_stop` looks at this request too."""
    token = _requests.set((*_requests.get(), request))
    try:
        yield
    finally:
        _requests.reset(token)


def check_stop() -> None:
    """Raise KeyboardInterrupt where this computation is asked to stop."""
    if any(request.is_set() for request in _requests.get()):
        raise KeyboardInterrupt
