"""Levels for looks that are planned: critical values of simulated studies of equal arms."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from chainrule.statistics import special
from chainrule.statistics.root import find_root
from chainrule.statistics.scores import Array

__all__ = ["critical_value", "exceedance", "simulate_block", "simulated_extremes"]

PATHS = 200_000
BLOCK = 50_000
TAIL = 100 / PATHS
"""A smaller probability is not counted in so many paths, but bounded."""


def critical_value(shares: Array, alpha: float, extremes: Array) -> float:
    """The c that the largest scaled z of all looks exceeds with probability alpha."""
    if alpha >= TAIL:
        return float(np.quantile(extremes, 1 - alpha))
    return find_root(lambda c: bound_exceedance(shares, c) - alpha, 0.0, 37.0)


def exceedance(shares: Array, c: float, extremes: Array) -> float:
    """The probability that the largest scaled z of all looks exceeds c."""
    found = 1 - float(np.interp(c, extremes, np.linspace(0, 1, len(extremes))))
    return found if found >= TAIL else min(TAIL, bound_exceedance(shares, c))


def bound_exceedance(shares: Array, c: float) -> float:
    """Σ 2 Φ(−c / share): no more than the sum over the looks."""
    return float(2 * special.ndtr(-c / shares).sum())


@lru_cache(maxsize=8)
def simulated_extremes(looks: tuple[int, ...], shares: tuple[float, ...]) -> Array:
    """The largest z times share of each study of equal arms, shape (PATHS,), ascending."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(PATHS // BLOCK):
        blocks = zip(simulate_block(random, looks), shares, strict=True)
        z = [-special.ndtri(p / 2) * share for p, share in blocks]
        found.append(np.max(z, axis=0))
    return np.sort(np.concatenate(found))


def simulate_block(
    random: np.random.Generator, looks: tuple[int, ...], effect: float = 0.0
) -> Iterator[Array]:
    """p at each look, shape (BLOCK,), from sums of the rounds between two looks.

    Of m new normal differences of mean ``effect`` and variance 1 the mean has the variance 1/m, the
    sum of squares about it is χ² with m − 1 degrees of freedom, and the two are independent.
    """
    mean, squares, n = np.zeros(BLOCK), np.zeros(BLOCK), 0
    for look in looks:
        m = look - n
        step = random.normal(effect, 1 / math.sqrt(m), BLOCK) - mean
        if m > 1:
            squares += random.chisquare(m - 1, BLOCK)
        squares += step * step * (m * n / look)
        mean += step * (m / look)
        n = look
        t = np.abs(mean) * np.sqrt(n * (n - 1) / squares)
        yield 2 * special.stdtr(n - 1, -t)
