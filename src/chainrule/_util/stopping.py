"""A request to stop, which a computation looks for between two steps; Ctrl-C needs none of it.

Where a training runs in a thread that hears no signal, on another machine say, who wants it to end
sets an event.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event

__all__ = ["check_stop", "stoppable"]

_event: ContextVar[Event | None] = ContextVar("stop", default=None)


@contextmanager
def stoppable(event: Event) -> Iterator[None]:
    """In here, :func:`check_stop` looks at this event."""
    token = _event.set(event)
    try:
        yield
    finally:
        _event.reset(token)


def check_stop() -> None:
    """Raise KeyboardInterrupt where this computation is asked to stop."""
    event = _event.get()
    if event is not None and event.is_set():
        raise KeyboardInterrupt
