"""What is a random search worth with a smaller budget?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from chainrule._util.argument_checks import check_arguments
from chainrule._util.words import count_noun
from chainrule.statistics.errors import StatisticsError
from chainrule.statistics.scores import Scores, as_scores

__all__ = ["ExpectedBest", "expected_best"]


@dataclass(frozen=True)
class ExpectedBest:
    """The best of ``n`` draws: its mean and standard deviation."""

    n: int
    mean: float
    std: float


@check_arguments
def expected_best(scores: Scores, n: int) -> ExpectedBest:
    """E[max of n draws] = Σᵢ v₍ᵢ₎ ((i/B)ⁿ − ((i − 1)/B)ⁿ)        v₍₁₎ ≤ … ≤ v₍B₎

    The expected validation performance of a random search of n candidates, estimated from the B
    that were tried: n draws with replacement from their values. Larger is better. For n near B it
    is a little too low, as the best may come twice. (Dodge, Gururangan, Card, Schwartz and Smith,
    Show your work: improved reporting of experimental results, 2019.)

    Raises StatisticsError for no score, one that is not finite, and an n outside 1 … B.
    """
    values = np.sort(as_scores(scores, "the candidates", at_least=1))
    size = len(values)
    if not 1 <= n <= size:
        many = count_noun(size, "candidate")
        raise StatisticsError(f"n: expected 1 to {many}, as many as were tried, got {n}")
    ranks = np.arange(size + 1) / size
    weights = np.diff(ranks**n)
    mean = float(weights @ values)
    return ExpectedBest(n, mean, math.sqrt(float(weights @ (values - mean) ** 2)))
