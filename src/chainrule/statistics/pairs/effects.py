"""How large is a difference, whatever its p?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from chainrule._util.argument_checks import check_arguments
from chainrule.statistics import special
from chainrule.statistics.checks import check_at_least, check_fractions, check_shares
from chainrule.statistics.errors import StatisticsError
from chainrule.statistics.pairs.pairwise import ratio_or_inf
from chainrule.statistics.scores import Scores, pair_scores

__all__ = ["Superiority", "accuracy_interval", "d_z", "superiority", "wilson_interval"]

MEANINGFUL = 0.75


@check_arguments
def d_z(a: Scores, b: Scores) -> float:
    """d_z = d̄ / s, the mean difference in standard deviations of the differences; no unit

    0 if all differences are 0, infinite if they are all the same other number. (Cohen 1988.)

    Raises StatisticsError for fewer than two rounds, unequal numbers of them, a score that is
    not finite.
    """
    d = pair_scores(a, b)
    return ratio_or_inf(d.mean, d.std)


@dataclass(frozen=True)
class Superiority:
    """P(A > B): how often the first arm wins a round, where larger scores are better.

    ``low`` and ``high`` are the ends of its interval at the level ``confidence``; ``p`` is that of
    the exact two-sided sign test of "as many rounds are won as lost".
    """

    probability: float
    low: float
    high: float
    confidence: float
    p: float
    n: int

    @property
    def meaningful(self) -> bool:
        """Above 0.75, and told from 1/2 by the sign test: with equal arms in at most 5 %."""
        return self.probability > MEANINGFUL and self.p <= 1 - self.confidence


@check_arguments
def superiority(a: Scores, b: Scores, *, confidence: float = 0.95) -> Superiority:
    """P(A > B) = mean of [dⱼ > 0] + ½ [dⱼ = 0], with Wilson's interval

    For independent rounds; about 29 of them tell 0.75 from ½. A draw is half a win, which makes
    the interval a little too wide where there are many. p = min(1, 2 P(X ≤ min(won, lost))) for X
    binomial over the rounds that are no draw. (Wilson 1927; Bouthillier et al. 2021.)

    Raises StatisticsError for a confidence outside (0, 1), fewer than two rounds, unequal numbers
    of them, a score that is not finite.
    """
    d = pair_scores(a, b)
    won, lost = (int(np.count_nonzero(sign * d.differences > d.ties)) for sign in (1, -1))
    probability = (won + (d.n - won - lost) / 2) / d.n
    low, high = wilson_interval(probability, d.n, confidence=confidence)
    p = min(1.0, 2 * float(special.bdtr(min(won, lost), won + lost, 0.5)))
    return Superiority(probability, low, high, confidence, p, d.n)


@check_arguments
def wilson_interval(share: float, n: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """(p̂ + z²/2n ± z √(p̂ (1 − p̂)/n + z²/4n²)) / (1 + z²/n), with z the normal quantile

    The interval of a share of n independent trials; never empty or outside [0, 1], as that of the
    bootstrap is where all trials agree. (Wilson 1927; Brown, Cai and DasGupta 2001.)

    Raises StatisticsError for a share outside [0, 1], no trial, a confidence outside (0, 1).
    """
    check_at_least(1, n=n)
    check_fractions(share=share)
    check_shares(confidence=confidence)
    z = float(special.ndtri((1 + confidence) / 2))
    middle = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2)
    scale = 1 + z * z / n
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


@check_arguments
def accuracy_interval(
    correct: int, samples: int, *, confidence: float = 0.95
) -> tuple[float, float]:
    """The shares for which neither tail of the binomial is below (1 − confidence) / 2

    The exact interval of one net's accuracy, ``correct`` out of ``samples`` independent test
    samples: it covers in at least that share of test sets. Quantiles of the beta distribution.
    (Clopper and Pearson 1934.)

    Raises StatisticsError unless 0 ≤ correct ≤ samples, for no sample, a confidence outside
    (0, 1).
    """
    check_at_least(1, samples=samples)
    if not 0 <= correct <= samples:
        raise StatisticsError(f"correct: expected 0 to {samples}, the samples, got {correct}")
    check_shares(confidence=confidence)
    tail = (1 - confidence) / 2
    wrong = samples - correct
    low = float(special.betaincinv(correct, wrong + 1, tail)) if correct else 0.0
    high = float(special.betaincinv(correct + 1, wrong, 1 - tail)) if wrong else 1.0
    return low, high
