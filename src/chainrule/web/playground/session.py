"""The thread that serves one open page."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Collection
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import final
from weakref import WeakSet

from chainrule.web.playground.player import Message, Player

__all__ = ["Session", "join_sessions"]

LONG_WORK = ("build", "train")

ENDS: dict[str, Collection[str]] = {"pause": ("train",), "build": LONG_WORK}
"""Command → the work that it ends, see ``Player.long_work``."""

SESSIONS: WeakSet[Session] = WeakSet()
"""Those that were started and may not have ended."""


@final
class Session:
    """A player with a thread and a queue of its own: pages share nothing.

    It trains while it is told to play, and in between does what it is asked.
    """

    def __init__(self, send: Callable[[Message], None]) -> None:
        self._commands: SimpleQueue[Message | None] = SimpleQueue()
        self.player = Player(send, lambda: not self._commands.empty())
        self.closed = False
        self._thread = Thread(target=self._serve, daemon=True, name="playground")

    def start(self) -> None:
        """Begin to serve."""
        SESSIONS.add(self)
        self._thread.start()

    def ask(self, command: Message) -> None:
        """Put something into the queue; what ends the playing does not wait for a long epoch.

        A setting does not wait for the one before it either, whose net may never be made.
        """
        self._commands.put(command)
        self._interrupt(ENDS.get(str(command.get("do")), ()))

    def close(self) -> None:
        """End, in the middle of an epoch too: it is as Ctrl-C there."""
        self.closed = True
        self._commands.put(None)
        self._interrupt(LONG_WORK)

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end, at most so many seconds."""
        self._thread.join(timeout)

    def _interrupt(self, works: Collection[str]) -> None:
        """End what takes long, if it is one of these, as Ctrl-C would: none of it is kept."""
        if self.player.long_work in works and self._thread.ident is not None:
            interrupt_thread(self._thread.ident)

    def _serve(self) -> None:
        while not self.closed:
            command: Message | None = None
            try:
                command = self._next_command()
                if command is not None:
                    self.player.handle(command)
            except ConnectionError:
                self.closed = True
            except KeyboardInterrupt:  # it may have come when what it was meant for had just ended
                if command and command.get("do") == "build" and self._commands.empty():
                    self._commands.put(command)

    def _next_command(self) -> Message | None:
        try:
            return self._commands.get(block=not self.player.playing)
        except Empty:
            return {"do": "advance"}

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended yet."""
        return self._thread.is_alive()


def join_sessions(seconds: float) -> bool:
    """Wait for the ends of all sessions, at most so long; whether none goes on.

    Where one does, it is deep in an operation, and so must not be when Python ends: that would end
    the thread within PyTorch's code, which aborts the process.
    """
    end = monotonic() + seconds
    for session in [*SESSIONS]:
        session.join(max(0.0, end - monotonic()))
    return not any(session.is_alive for session in SESSIONS)


def interrupt_thread(ident: int) -> None:
    """Raise KeyboardInterrupt in another thread, as soon as it runs Python; not if it has ended."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(ident), ctypes.py_object(KeyboardInterrupt)
    )
