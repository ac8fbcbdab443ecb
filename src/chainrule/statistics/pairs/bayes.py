"""How probable is it that an arm is worse than another, as good, or better?"""

from __future__ import annotations

from dataclasses import dataclass

from chainrule._util.argument_checks import check_arguments
from chainrule.statistics import special
from chainrule.statistics.checks import check_zero_or_more
from chainrule.statistics.design import Design
from chainrule.statistics.pairs.pairwise import coincidence, standard_error
from chainrule.statistics.scores import Scores, pair_scores

__all__ = ["Posterior", "correlated_t"]


@dataclass(frozen=True)
class Posterior:
    """What is believed of the mean difference a − b, where larger scores are better.

    ``worse`` = P(difference < −rope), ``equivalent`` = P(|difference| ≤ rope) and ``better`` =
    P(difference > rope); they add up to 1. The posterior is Student's t with ``df`` degrees of
    freedom at ``location`` with ``scale``; these two and ``rope`` are in the metric's unit.
    """

    worse: float
    equivalent: float
    better: float
    rope: float
    location: float
    scale: float
    df: int
    n: int


@check_arguments
def correlated_t(a: Scores, b: Scores, design: Design, *, rope: float) -> Posterior:
    """location d̄, scale² = (1/n + n_test/n_train) s², n − 1 degrees of freedom

    The Bayesian correlated t test. The second term of the scale is 0 where rounds are
    independent. ``rope`` is half the width of the region of practical equivalence: the largest
    difference that does not matter. With s = 0 the posterior is the point d̄ but for the chance
    that all signs agree (:func:`coincidence`), half of which is worse and half better.
    (Corani and Benavoli 2015; Benavoli, Corani, Demšar and Zaffalon 2017.)

    Raises StatisticsError for a rope that is negative or not finite, fewer than two rounds,
    unequal numbers of them, a score that is not finite.
    """
    check_zero_or_more(rope=rope)
    d = pair_scores(a, b)
    scale = standard_error(d, design.test_over_train)
    if scale:
        worse = t_cdf(-rope, d.mean, scale, d.n - 1)
        better = t_cdf(-rope, -d.mean, scale, d.n - 1)
    else:
        chance = coincidence(d.n, design.test_over_train)
        worse, better = (chance / 2 + (1 - chance) * (sign * d.mean > rope) for sign in (-1, 1))
    equivalent = max(0.0, 1 - worse - better) if rope or not scale else 0.0
    return Posterior(worse, equivalent, better, rope, d.mean, scale, d.n - 1, d.n)


def t_cdf(x: float, location: float, scale: float, df: int) -> float:
    """P(T < x) for Student's T."""
    return float(special.stdtr(df, (x - location) / scale))
