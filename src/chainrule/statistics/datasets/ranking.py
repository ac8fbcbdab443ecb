"""Arms over several data sets: ranks, and which arms cannot be told apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from chainrule._util.argument_checks import check_arguments
from chainrule._util.display import ShownAsTable
from chainrule._util.plain_data import finite_or_none
from chainrule.statistics import special
from chainrule.statistics.arms.family import holm
from chainrule.statistics.checks import check_shares
from chainrule.statistics.errors import StatisticsError
from chainrule.statistics.pairs.sign_tests import mid_ranks, power_warning, wilcoxon
from chainrule.statistics.scores import TIE, Array, Scores, as_arms

__all__ = ["Friedman", "RankPair", "Ranking", "friedman", "mean_ranks", "rank_arms"]


LIBERAL = {2: "7 %", 3: "19 %", 4: "7 %", 5: "7 %"}
"""Data sets → how often p ≤ 0.05 of 3, 4, 5 or 8 equal arms, at most: 50,000 simulations each."""


@dataclass(frozen=True)
class Friedman:
    """Is there any difference between the arms?

    ``chi_square`` with ``df`` degrees of freedom and its ``chi_square_p`` are Friedman's; ``f``
    with ``df`` and ``df_error`` and its ``p`` are Iman and Davenport's, less conservative.
    """

    chi_square: float
    chi_square_p: float
    f: float
    df: int
    df_error: int
    p: float
    arms: int
    data_sets: int

    @property
    def note(self) -> str | None:
        """A sentence where data sets are so few that F's distribution is but roughly known."""
        if (share := LIBERAL.get(self.data_sets)) is None:
            return None
        return (
            f"With {self.data_sets} data sets this p is rather too small: of arms that are equal "
            f"it is at most 0.05 in up to {share} of the cases."
        )


@dataclass(frozen=True)
class RankPair:
    """Two arms by Wilcoxon's signed-rank test over data sets."""

    a: str
    b: str
    p: float
    p_holm: float


@dataclass(frozen=True, repr=False)
class Ranking(ShownAsTable, columns=("arm", "mean_rank", "data_sets", "friedman_p")):
    """The arms, best first, with what a critical-difference diagram shows.

    ``mean_ranks`` has 1 for an arm that is best everywhere. A clique is a run of neighbours no
    two of which differ at ``alpha`` after Holm's correction: a bar of the diagram.
    ``note`` is a sentence where there are too few data sets for any two arms to differ.
    """

    arms: Sequence[str]
    mean_ranks: Sequence[float]
    friedman: Friedman
    pairs: Sequence[RankPair]
    cliques: Sequence[tuple[str, ...]]
    alpha: float
    n: int
    note: str | None = None

    def as_rows(self) -> list[dict[str, Any]]:
        """A row an arm, best first, as JSON data; ``cliques`` are numbers from 0."""
        return [
            {
                "arm": arm,
                "mean_rank": mean_rank,
                "data_sets": self.n,
                "cliques": [i for i, clique in enumerate(self.cliques) if arm in clique],
                "friedman_f": finite_or_none(self.friedman.f),
                "friedman_p": self.friedman.p,
            }
            for arm, mean_rank in zip(self.arms, self.mean_ranks, strict=True)
        ]


@check_arguments
def rank_arms(scores: Mapping[str, Scores], *, alpha: float = 0.05) -> Ranking:
    """Mean ranks, Friedman's test, all pairs by Wilcoxon with Holm, and the cliques

    ``scores`` is arm → one score a data set, such as its mean over rounds; larger is better. The
    test of a pair depends on these two arms alone; Nemenyi's would depend on the others.
    (Demšar 2006; Benavoli, Corani and Mangili 2016.)

    Raises StatisticsError for an alpha outside (0, 1), and as :func:`friedman`.
    """
    check_shares(alpha=alpha)
    overall, ranks = friedman(scores), mean_ranks(scores)
    arms = sorted(ranks, key=ranks.__getitem__)
    places = list(combinations(arms, 2))
    p = [wilcoxon(scores[a], scores[b]).p for a, b in places]
    pairs = [
        RankPair(a, b, one, both) for (a, b), one, both in zip(places, p, holm(p), strict=True)
    ]
    return Ranking(
        arms=tuple(arms),
        mean_ranks=tuple(ranks[arm] for arm in arms),
        friedman=overall,
        pairs=tuple(pairs),
        cliques=find_cliques(arms, {frozenset((x.a, x.b)) for x in pairs if x.p_holm <= alpha}),
        alpha=alpha,
        n=overall.data_sets,
        note=power_warning(overall.data_sets, len(pairs), alpha=alpha, unit="data sets"),
    )


@check_arguments
def mean_ranks(scores: Mapping[str, Scores]) -> dict[str, float]:
    """Arm → R̄, the mean over data sets of its rank there: 1 for the best, ties share the mean.

    Raises StatisticsError as :func:`friedman`.
    """
    means = rank_table(scores).mean(axis=0)
    return {arm: float(mean) for arm, mean in zip(scores, means, strict=True)}


@check_arguments
def friedman(scores: Mapping[str, Scores]) -> Friedman:
    """χ² = (k − 1) Σⱼ (Rⱼ − N (k+1)/2)² / Σᵢⱼ (rᵢⱼ − (k+1)/2)²
    F = (N − 1) χ² / (N (k − 1) − χ²)

    for k arms on N data sets; rᵢⱼ is the rank of arm j on data set i and Rⱼ the sum of its ranks.
    The divisor corrects for ties; without any, it is N k (k² − 1) / 12. χ² has k − 1 degrees of
    freedom, F has k − 1 and (k − 1)(N − 1). (Friedman 1937; Iman and Davenport 1980.)

    Where all data sets rank the arms alike F is infinite, and p is the probability of just that:
    that N − 1 of them agree with the first. Where all arms tie everywhere p = 1.

    Raises StatisticsError for fewer than three arms (two are compared by :func:`wilcoxon`), fewer
    than two data sets, unequal numbers of them, a score that is not finite.
    """
    ranks = rank_table(scores)
    N, k = ranks.shape
    df, df_error = k - 1, (k - 1) * (N - 1)
    scatter = float(((ranks - (k + 1) / 2) ** 2).sum())
    between = float(((ranks.sum(axis=0) - N * (k + 1) / 2) ** 2).sum())
    chi_square = df * between / scatter if scatter else 0.0
    left = N * df - chi_square
    if left <= 1e-9 * N * df:
        f, p = math.inf, math.exp((1 - N) * log_num_orderings(ranks[0]))
    else:
        f = (N - 1) * chi_square / left
        p = float(special.fdtrc(df, df_error, f))
    chi_square_p = float(special.chdtrc(df, chi_square))
    return Friedman(chi_square, chi_square_p, f, df, df_error, p, k, N)


def rank_table(scores: Mapping[str, Scores]) -> Array:
    """Shape (data sets, arms)."""
    columns = as_arms(scores)
    if len(columns) < 3:
        raise StatisticsError(
            f"expected at least three arms, got {len(columns)}; compare two by wilcoxon"
        )
    table = np.stack([*columns.values()], axis=1)
    return np.stack([mid_ranks(-row, TIE * np.abs(row)) for row in table])


def log_num_orderings(ranks: Array) -> float:
    """The logarithm of the number of different orders of these ranks: k!, fewer with ties."""
    _, same = np.unique(ranks, return_counts=True)
    return math.lgamma(len(ranks) + 1) - sum(math.lgamma(int(t) + 1) for t in same)


def find_cliques(arms: Sequence[str], differ: set[frozenset[str]]) -> tuple[tuple[str, ...], ...]:
    """The longest runs of neighbours, of two or more, no two of which differ."""
    found: list[tuple[str, ...]] = []
    reached = 0
    for start in range(len(arms)):
        end = start + 1
        while end < len(arms) and not any(
            frozenset((arm, arms[end])) in differ for arm in arms[start:end]
        ):
            end += 1
        if end - start > 1 and end > reached:
            found.append(tuple(arms[start:end]))
            reached = end
    return tuple(found)
