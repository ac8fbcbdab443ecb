"""Evidence that may be looked at any number of times: e-values, and the p that they ask for."""

from __future__ import annotations

import math

from chainrule._util.argument_checks import check_arguments
from chainrule.statistics import special
from chainrule.statistics.checks import check_above_zero
from chainrule.statistics.pairs.pairwise import paired_t, two_sided_p
from chainrule.statistics.scores import Scores

__all__ = ["anytime_level", "anytime_p", "e_value"]


@check_arguments
def e_value(a: Scores, b: Scores, *, g: float = 1.0) -> float:
    """e = (1 + n g)^(−½) ((1 + t²/ν) / (1 + t²/(ν (1 + n g))))^(n/2)        ν = n − 1

    The evidence against "the mean difference is 0" after n rounds: the likelihood of t where the
    effect d_z is normal with variance g, over that where it is 0. With equal arms and normal
    differences it exceeds 1/alpha at any time with probability alpha at most, however often one
    looks. Infinite where the differences are all the same number but 0.
    (Lai 1976; Wang and Ramdas 2025.)

    Raises StatisticsError for a g that is not positive, and as :func:`paired_t`.
    """
    check_above_zero(g=g)
    test = paired_t(a, b)
    return math.inf if math.isinf(test.t) else math.exp(log_e_value(test.t, test.n, g))


def log_e_value(t: float, n: int, g: float) -> float:
    """log e of the t of n rounds, up to 700."""
    growth, x = 1 + n * g, t * t / (n - 1)
    ratio = math.log(growth) if math.isinf(x) else math.log1p(x) - math.log1p(x / growth)
    return min(n / 2 * ratio - math.log(growth) / 2, 700.0)


def anytime_p(n: int, p: float) -> float:
    """min(1, 1/e) of the t of n rounds that has this two-sided p."""
    t = float(special.stdtrit(n - 1, p / 2))
    return min(1.0, math.exp(-log_e_value(t, n, 1.0)))


def anytime_level(n: int, alpha: float) -> float:
    """The p of the t at which e = 1/alpha with g = 1; 0 where no t of n rounds reaches that."""
    growth = 1 + n
    ratio = (math.sqrt(growth) / alpha) ** (2 / n)
    if ratio >= growth:
        return 0.0
    return two_sided_p(math.sqrt((n - 1) * (ratio - 1) / (1 - ratio / growth)), n - 1)
