"""Where a function is 0, without scipy.optimize, which takes longer to load than to search."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["find_root"]


def find_root(f: Callable[[float], float], low: float, high: float) -> float:
    """The x in [low, high] at which an f that rises, or falls, is 0: to 1e-12, by bisection."""
    rises = f(low) < f(high)
    while high - low > 1e-12:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if (f(middle) < 0) == rises else (low, middle)
    return (low + high) / 2
