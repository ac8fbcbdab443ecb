"""A line that is written over: on a terminal, and in a notebook, which needs no widgets for it."""

from __future__ import annotations

import sys
import time
from importlib import import_module
from typing import Any, Protocol, final

__all__ = ["LiveLine", "find_screen", "in_notebook"]

FIRST_SECONDS, MIN_SECONDS = 0.5, 0.1
"""Until the first of its texts, and between two: what is over soon says nothing."""


class Screen(Protocol):
    """Where a line can be shown."""

    def show(self, text: str) -> None:
        """Show the text in the place of the last one; nothing in the place of it for ""."""


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    get_shell = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get_shell is not None and hasattr(get_shell(), "kernel")


def find_screen() -> Screen | None:
    """The notebook, or standard error where that is a terminal; None where nobody looks."""
    if in_notebook():
        return Notebook()
    return Terminal() if sys.stderr.isatty() else None


@final
class Notebook:
    """The output of a cell."""

    def __init__(self) -> None:
        self.handle: Any = None

    def show(self, text: str) -> None:
        display: Any = import_module("IPython.display").display
        shown = {"text/plain": text} if text else {}
        if self.handle is None:
            self.handle = display(shown, raw=True, display_id=True)
        else:
            self.handle.update(shown, raw=True)


@final
class Terminal:
    """A line of standard error."""

    def show(self, text: str) -> None:
        sys.stderr.write(f"\r{text}\x1b[K")
        sys.stderr.flush()


@final
class LiveLine:
    """A text that changes in its place, not too often, and is gone when it is closed.

    A screen of None shows nothing.
    """

    def __init__(self, screen: Screen | None) -> None:
        self.screen, self._is_shown = screen, False
        self._next = time.monotonic() + FIRST_SECONDS

    def update(self, text: str) -> None:
        """Show this text, unless it comes too soon."""
        now = time.monotonic()
        if self.screen is not None and now >= self._next:
            self.screen.show(text)
            self._next, self._is_shown = now + MIN_SECONDS, True

    def close(self) -> None:
        """Take it away."""
        if self.screen is not None and self._is_shown:
            self.screen.show("")
            self._is_shown = False
