"""Two tests without the normal distribution, to set beside the t test.

Both ask how unusual the signs of the differences are, given their sizes: with equal arms, each
dⱼ is as likely as −dⱼ. So both need independent rounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule._util.argument_checks import check_arguments
from chainrule._util.words import count_noun
from chainrule.statistics.checks import check_at_least, check_shares
from chainrule.statistics.scores import TIE, Array, PairedDifferences, Scores, pair_scores

__all__ = [
    "SignTest",
    "min_sign_test_rounds",
    "power_warning",
    "sign_flip",
    "smallest_p",
    "wilcoxon",
]

EXACT = 30  # 2¹⁵ sums of each half
DRAWS = 100_000
BLOCK = 10_000


@dataclass(frozen=True)
class SignTest:
    """A two-sided test under all changes of sign.

    ``nonzero`` counts the rounds that differ and ``smallest_p`` is what p is when they all agree:
    no p can be smaller. ``draws`` is None where p is exact, else the number of random changes of
    sign.
    """

    test: str
    statistic: float
    p: float
    n: int
    nonzero: int
    smallest_p: float
    draws: int | None = None


@check_arguments
def wilcoxon(a: Scores, b: Scores) -> SignTest:
    """W = min(Σ rank|dⱼ| over dⱼ > 0, the same over dⱼ < 0)

    Wilcoxon's signed-rank test (1945), exact for any number of rounds, with ties or without: p
    comes from all 2ⁿ changes of sign of these very ranks. Equal |dⱼ| share the mean of their
    ranks. Differences of 0 are ranked with the others and then left out (Pratt 1959).

    Raises StatisticsError for fewer than two rounds, unequal numbers of them, a score that is
    not finite.
    """
    d = pair_scores(a, b)
    ranks = mid_ranks(np.abs(d.differences), d.ties)
    plus, minus = (float(ranks[(sign * d.differences) > d.ties].sum()) for sign in (1, -1))
    kept = ranks[np.abs(d.differences) > d.ties]
    w = min(plus, minus)
    tail = subset_sum_probabilities(np.rint(2 * kept).astype(np.int64))[: round(2 * w) + 1].sum()
    p = min(1.0, 2 * float(tail))
    return SignTest("Wilcoxon signed-rank", w, p, d.n, len(kept), smallest_p(len(kept)))


@check_arguments
def sign_flip(a: Scores, b: Scores, *, draws: int = DRAWS, seed: int = 0) -> SignTest:
    """p = the share of changes of sign with |Σ ±dⱼ| ≥ |Σ dⱼ|; the statistic is d̄

    Fisher's permutation test of paired differences (1935). Exact up to 30 rounds. Beyond, of
    ``draws`` random changes of sign, c reach the sum and p = (c + 1) / (draws + 1) (Phipson and
    Smyth 2010); the same seed gives the same p.

    Raises StatisticsError for fewer than one draw, and as :func:`wilcoxon`.
    """
    check_at_least(1, draws=draws)
    d = pair_scores(a, b)
    threshold = abs(d.differences.sum()) - TIE * d.units.sum()
    nonzero = int(np.count_nonzero(np.abs(d.differences) > d.ties))
    least = smallest_p(nonzero)
    if d.n <= EXACT:
        p = share_beyond(d.differences, threshold)
        return SignTest("sign-flip", d.mean, p, d.n, nonzero, least)
    count = sum(
        int((np.abs(sums) >= threshold).sum()) for sums in sample_signed_sums(d, draws, seed)
    )
    p, least = (count + 1) / (draws + 1), max(least, 1 / (draws + 1))
    return SignTest("sign-flip", d.mean, p, d.n, nonzero, least, draws)


@check_arguments
def smallest_p(n: int) -> float:
    """2^(1−n): the p of both tests when all n rounds agree; 1 for none.

    Raises StatisticsError for fewer rounds than none.
    """
    check_at_least(0, n=n)
    return min(1.0, 2.0 ** (1 - n))


@check_arguments
def min_sign_test_rounds(comparisons: int = 1, *, alpha: float = 0.05) -> int:
    """The fewest rounds n with which both tests can reject: comparisons · 2^(1−n) ≤ alpha

    6 for one comparison, 7 for three, 9 for ten. Raises StatisticsError unless there is a
    comparison and alpha is between 0 and 1.
    """
    check_at_least(1, comparisons=comparisons)
    check_shares(alpha=alpha)
    n = 1
    while comparisons * smallest_p(n) > alpha:
        n += 1
    return n


@check_arguments
def power_warning(
    n: int, comparisons: int = 1, *, alpha: float = 0.05, unit: str = "rounds"
) -> str | None:
    """A sentence where n rounds are too few for either test ever to reject, else None.

    ``unit`` is what the n are, as the sentence names them. Raises StatisticsError as
    :func:`min_sign_test_rounds`.
    """
    check_at_least(0, n=n)
    needed = min_sign_test_rounds(comparisons, alpha=alpha)
    if n >= needed:
        return None
    many = count_noun(comparisons, "comparison")
    return (
        f"With {n} {unit} and {many} the Wilcoxon and sign-flip tests can never reject at "
        f"{alpha:g}: their smallest p is {smallest_p(n):.3g}. They need {needed} {unit}."
    )


def mid_ranks(x: Array, ties: Array) -> Array:
    """The ranks of x, from 1 for the smallest; neighbours closer than ``ties`` share their mean."""
    order = np.argsort(x, kind="stable")
    near = np.maximum(ties[order][1:], ties[order][:-1])
    group = np.concatenate([[0], np.cumsum(np.diff(x[order]) > near)])
    shared = np.bincount(group, weights=np.arange(1.0, len(x) + 1)) / np.bincount(group)
    ranks = np.empty_like(x)
    ranks[order] = shared[group]
    return ranks


def subset_sum_probabilities(weights: NDArray[np.int64]) -> Array:
    """Entry w is P(the sum of these whole numbers is w), each in or out with probability ½."""
    p = np.zeros(int(weights.sum()) + 1)
    p[0] = 1.0
    for weight in weights:
        p[weight:] = p[weight:] + p[:-weight]
        p /= 2
    return p


def share_beyond(d: Array, threshold: float) -> float:
    """The share of all changes of sign with |Σ ±dⱼ| at or above the threshold

    To each sum over one half of the rounds, those of the other half are counted that reach it.
    """
    if threshold <= 0:
        return 1.0
    one, other = (np.sort(enumerate_signed_sums(half)) for half in np.array_split(d, 2))
    below = np.searchsorted(other, threshold + one)  # for −one are the same sums
    reaching = int((len(other) - below).sum())
    return 2 * reaching / (len(one) * len(other))  # as many are as far below 0


def enumerate_signed_sums(d: Array) -> Array:
    """Σ ±dⱼ, shape (2ⁿ,)."""
    sums = np.zeros(1)
    for x in d:
        sums = np.concatenate([sums + x, sums - x])
    return sums


def sample_signed_sums(d: PairedDifferences, draws: int, seed: int) -> Iterator[Array]:
    """Σ ±dⱼ for random signs, a block at a time."""
    random = np.random.default_rng(seed)
    for start in range(0, draws, BLOCK):
        signs = random.integers(0, 2, (min(BLOCK, draws - start), d.n), dtype=np.int8)
        yield (2.0 * signs - 1) @ d.differences
