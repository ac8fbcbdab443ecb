"""What is said once, on stderr."""

from __future__ import annotations

import sys
from functools import cache

__all__ = ["print_once"]


@cache
def print_once(line: str) -> None:
    """The line on stderr, the first time that it is asked for in this process."""
    if sys.stderr is not None:  # print would take stdout instead
        print(line, file=sys.stderr, flush=True)
