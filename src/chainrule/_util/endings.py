"""What ends a command from outside: Ctrl-C, a signal, and a reader that has gone."""

from __future__ import annotations

import _thread
import atexit
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TextIO, final

__all__ = ["end_at_once", "end_quietly", "hear_signals"]

INTERRUPTED = 130
"""The exit code after Ctrl-C, as a shell has it."""
AGAIN_SECONDS = 5
"""A signal so long after the first is another one."""
LOADED_WHOLE = "numpy"
"""An interrupt waits until this is loaded: torch, which loads it, drops one that comes meanwhile,
and the command would go on with half of it."""
WAIT_SECONDS = 0.05


@contextmanager
def hear_signals() -> Iterator[None]:
    """In here SIGTERM and SIGHUP are as Ctrl-C, unless whoever began this process ignores them.

    Each of the three waits until ``LOADED_WHOLE`` is loaded, where that has begun.
    """
    interrupt = Interrupt(AGAIN_SECONDS)
    handlers: dict[int, tuple[Any, Interrupt]] = {
        signal.SIGINT: (signal.default_int_handler, Interrupt(0)),
        signal.SIGTERM: (signal.SIG_DFL, interrupt),
    }
    if hasattr(signal, "SIGHUP"):
        handlers[signal.SIGHUP] = (signal.SIG_DFL, interrupt)
    if threading.current_thread() is not threading.main_thread():
        handlers = {}
    heard = [number for number, (old, _) in handlers.items() if signal.getsignal(number) is old]
    for number in heard:
        signal.signal(number, handlers[number][1])
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, handlers[number][0])


def is_loading(frame: FrameType | None) -> bool:
    """Whether ``LOADED_WHOLE`` is being loaded, by what is running here."""
    while frame is not None:
        name = frame.f_globals.get("__name__")
        if frame.f_code.co_name == "<module>" and name == LOADED_WHOLE:
            return True
        frame = frame.f_back
    return False


def signal_main_thread(number: int) -> None:
    """Send a signal to the main thread, which wakes there what sleeps or waits."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        _thread.interrupt_main(signal.Signals(number))


@final
class Interrupt:
    """What a signal does: raise KeyboardInterrupt, once for all that come within some seconds.

    A shell that closes sends its signal twice. Python drops what is raised within a destructor, so
    a later signal raises it again. While ``LOADED_WHOLE`` is loaded it comes later.
    """

    def __init__(self, again_seconds: float) -> None:
        self._again_seconds = again_seconds
        self._raised_at = -float("inf")
        self._later = threading.Timer(0, lambda: None)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if is_loading(frame):
            if not self._later.is_alive():
                self._later = threading.Timer(WAIT_SECONDS, signal_main_thread, [number])
                self._later.daemon = True
                self._later.start()
            return
        now = time.monotonic()
        if now - self._raised_at >= self._again_seconds:
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


@contextmanager
def end_at_once() -> Iterator[None]:
    """In here an exit ends the process when all is done that was registered for it.

    Python would take PyTorch apart object by object, which takes a tenth of a second. To be entered
    first of all, as what is registered first comes last.
    """
    codes: list[int] = []
    atexit.register(leave_process, codes)
    try:
        yield
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            codes.append(end.code or 0)
        raise


def leave_process(codes: Sequence[int]) -> None:
    """End with the first of these exit codes; as Python does where there is none.

    Nor where what was printed cannot be written, of which Python tells.
    """
    for code in codes:
        with suppress(OSError, ValueError):
            for stream in filter(None, (sys.stdout, sys.stderr)):  # one may be closed
                stream.flush()
            os._exit(code & 0xFF)


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
