"""What ends a command from outside: Ctrl-C, a signal, and a reader that has gone."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TextIO, final

__all__ = ["end_quietly", "hear_signals"]

INTERRUPTED = 130
"""The exit code after Ctrl-C, as a shell has it."""
AGAIN_SECONDS = 5
"""A signal so long after the first is another one."""


@contextmanager
def hear_signals() -> Iterator[None]:
    """In here SIGTERM and SIGHUP are as Ctrl-C, unless whoever began this process ignores them."""
    wanted = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    if threading.current_thread() is not threading.main_thread():
        wanted = []
    heard = [number for number in wanted if signal.getsignal(number) is signal.SIG_DFL]
    interrupt = Interrupt()
    for number in heard:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, signal.SIG_DFL)


@final
class Interrupt:
    """What signals do: raise KeyboardInterrupt, once for all that come within some seconds.

    A shell that closes sends its signal twice. Python drops what is raised within a destructor, so
    a later signal raises it again.
    """

    def __init__(self) -> None:
        self._raised_at = -float("inf")

    def __call__(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._raised_at > AGAIN_SECONDS:
            self._raised_at = now
            raise KeyboardInterrupt


@contextmanager
def end_quietly() -> Iterator[None]:
    """In here Ctrl-C ends with exit code 130, and who reads no further (``| head``) with 0."""
    try:
        yield
    except KeyboardInterrupt:
        with suppress(OSError, ValueError):  # nobody reads it any more, or the terminal is gone
            print("interrupted", file=sys.stderr, flush=True)
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError:
        closed = [stream for stream in (sys.stdout, sys.stderr) if has_no_reader(stream)]
        if not closed:
            raise
        for stream in closed:  # what is still to be written at the end goes nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise SystemExit(0) from None
    finally:
        forget_interrupt()


def forget_interrupt() -> None:
    """Let the process end with the exit code that is asked for.

    Python notes an interrupt that comes inside of ``exec`` or ``eval`` of a text, as each dataclass
    calls them, and ``python -m`` would then kill itself by SIGINT at its end, whoever caught the
    interrupt. The next evaluation clears that note.
    """
    eval("0")  # noqa: S307 (a constant)


def has_no_reader(stream: TextIO) -> bool:
    """Whether a stream is a pipe whose other end is closed; where nobody can say, it is."""
    if not hasattr(select, "poll"):
        return True
    with suppress(OSError, ValueError):  # no file, or closed
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    return False
