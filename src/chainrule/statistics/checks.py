"""Numbers of a call that must lie within limits."""

from __future__ import annotations

import math

from chainrule.statistics.errors import StatisticsError

__all__ = [
    "check_above_zero",
    "check_at_least",
    "check_finite",
    "check_fractions",
    "check_shares",
    "check_zero_or_more",
]


def check_shares(**shares: float) -> None:
    """Raise StatisticsError, with its name, for what is not above 0 and below 1."""
    for name, x in shares.items():
        if not 0 < x < 1:
            raise StatisticsError(f"{name}: expected a number between 0 and 1, got {x}")


def check_fractions(**fractions: float) -> None:
    """Raise StatisticsError, with its name, for what is below 0 or above 1."""
    for name, x in fractions.items():
        if not 0 <= x <= 1:
            raise StatisticsError(f"{name}: expected a number from 0 to 1, got {x}")


def check_above_zero(**sizes: float) -> None:
    """Raise StatisticsError, with its name, for what is not above 0, or infinite."""
    for name, x in sizes.items():
        if not 0 < x < math.inf:
            raise StatisticsError(f"{name}: expected a number above 0, got {x}")


def check_zero_or_more(**sizes: float) -> None:
    """Raise StatisticsError, with its name, for what is below 0, or infinite."""
    for name, x in sizes.items():
        if not 0 <= x < math.inf:
            raise StatisticsError(f"{name}: expected a number, 0 or more, got {x}")


def check_finite(**numbers: float) -> None:
    """Raise StatisticsError, with its name, for what is infinite."""
    for name, x in numbers.items():
        if not math.isfinite(x):
            raise StatisticsError(f"{name}: expected a finite number, got {x}")


def check_at_least(least: int, /, **counts: int) -> None:
    """Raise StatisticsError, with its name, for a number below the least."""
    for name, n in counts.items():
        if n < least:
            raise StatisticsError(f"{name}: expected a whole number, {least} or more, got {n}")
