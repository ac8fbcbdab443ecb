"""Is the mean difference of two arms 0? The t test that the design asks for."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule._util.argument_checks import check_arguments
from chainrule._util.plain_data import finite_or_none
from chainrule.statistics import special
from chainrule.statistics.checks import check_above_zero, check_finite, check_shares
from chainrule.statistics.design import Design
from chainrule.statistics.scores import PairedDifferences, Scores, as_scores, pair_scores

__all__ = ["PairedTest", "nadeau_bengio", "one_sample_test", "paired_t", "paired_test"]


SMALLEST = sys.float_info.min  # p is never 0, not even where it underflows


@dataclass(frozen=True)
class PairedTest:
    """A two-sided t test of "the mean of dⱼ = aⱼ − bⱼ is 0".

    ``difference`` is d̄; ``low`` and ``high`` are the ends of its interval at the level
    ``confidence``; ``standard_error`` is what t divides by: all in the metric's unit. Where the
    differences are all the same number, ``standard_error`` is 0 and ``t`` infinite (0 if that
    number is 0), but a spread of 0 is not certainty: p is 2^(1−n), the chance that n signs agree,
    and the interval infinite until that is below 1 − ``confidence``. That chance is ``chance``
    (:func:`coincidence`). p is never 0.
    """

    test: str
    difference: float
    low: float
    high: float
    confidence: float
    standard_error: float
    t: float
    df: int
    p: float
    n: int
    chance: float

    def as_row(self) -> dict[str, Any]:
        """The test as JSON data; what is infinite is null."""
        return {
            "test": self.test,
            "n": self.n,
            "difference": self.difference,
            "low": finite_or_none(self.low),
            "high": finite_or_none(self.high),
            "confidence": self.confidence,
            "t": finite_or_none(self.t),
            "df": self.df,
            "p": self.p,
        }


@check_arguments
def paired_t(a: Scores, b: Scores, *, confidence: float = 0.95) -> PairedTest:
    """t = d̄ / √(s² / n), n − 1 degrees of freedom; interval d̄ ± t₀.₉₇₅ √(s² / n)

    For rounds that are independent. ``a`` and ``b`` are the scores of two arms, n numbers each.
    (Student 1908.)

    Raises StatisticsError for fewer than two rounds, unequal numbers of them, a score that is
    not finite, a confidence outside (0, 1).
    """
    return t_test(pair_scores(a, b), 0.0, "paired t", confidence)


@check_arguments
def nadeau_bengio(
    a: Scores, b: Scores, *, test_over_train: float, confidence: float = 0.95
) -> PairedTest:
    """t = d̄ / √((1/n + n_test/n_train) s²), n − 1 degrees of freedom

    For re-splits or folds of one data set, whose differences are correlated; 1/(k − 1) for k
    folds, repeated or not. (Nadeau and Bengio 2003.)

    Raises StatisticsError as :func:`paired_t`, and for a ratio that is not positive.
    """
    check_above_zero(test_over_train=test_over_train)
    return t_test(pair_scores(a, b), test_over_train, "Nadeau-Bengio", confidence)


@check_arguments
def paired_test(a: Scores, b: Scores, design: Design, *, confidence: float = 0.95) -> PairedTest:
    """The test for rounds of this design. Raises StatisticsError as :func:`paired_t`."""
    if design.independent:
        return paired_t(a, b, confidence=confidence)
    return nadeau_bengio(a, b, test_over_train=design.test_over_train, confidence=confidence)


@check_arguments
def one_sample_test(
    scores: Scores, target: float, design: Design, *, confidence: float = 0.95
) -> PairedTest:
    """Has an arm reached the target, such as a reported value? Its mean against one number

    t = (x̄ − target) / √((1/n + n_test/n_train) s²), n − 1 degrees of freedom: the standard error
    that the design asks for. ``difference`` is x̄ − target. Over one split (:class:`FixedSplit`)
    it says what other seeds would give on that split, and nothing of other data. A reported value
    counts as exact.

    Raises StatisticsError for a target that is not finite, and as :func:`paired_t`.
    """
    x = as_scores(scores, "the arm")
    check_finite(target=target)
    goal = as_scores(np.full(len(x), target), "the target")
    test = paired_test(x, goal, design, confidence=confidence)
    return replace(test, test="one-sample t" if design.independent else "one-sample Nadeau-Bengio")


def t_test(d: PairedDifferences, correlation: float, test: str, confidence: float) -> PairedTest:
    """With s = 0 there is no t: p and the interval are those of :func:`coincidence`."""
    check_shares(confidence=confidence)
    error = standard_error(d, correlation)
    df = d.n - 1
    t = ratio_or_inf(d.mean, error)
    chance = coincidence(d.n, correlation)
    half = half_width(error, d.n, chance, confidence)
    return PairedTest(
        test=test,
        difference=d.mean,
        low=d.mean - half,
        high=d.mean + half,
        confidence=confidence,
        standard_error=error,
        t=t,
        df=df,
        p=two_sided_p(t, df) if error else chance if d.mean else 1.0,
        n=d.n,
        chance=chance,
    )


def rescaled_interval(test: PairedTest, confidence: float) -> tuple[float, float]:
    """The test's interval at another confidence."""
    half = half_width(test.standard_error, test.n, test.chance, confidence)
    return test.difference - half, test.difference + half


def half_width(error: float, n: int, chance: float, confidence: float) -> float:
    """Half the interval: t times the error, or where that is 0, 0 or infinite by the chance."""
    if error > 0:
        return float(special.stdtrit(n - 1, (1 + confidence) / 2)) * error
    return 0.0 if chance <= 1 - confidence else math.inf


def coincidence(n: int, correlation: float) -> float:
    """2^(1 − m) for m = 1 / (1/n + n_test/n_train): the chance that m signs agree

    What is left of p where the differences are all the same number, which has no spread to divide
    by. m is n where rounds are independent, else the number of independent rounds whose mean has
    the same variance. The interval holds what this sign test does not reject: the one number, or
    every number where m is too small to reject any.
    """
    return float(min(1.0, 2.0 ** (1 - 1 / (1 / n + correlation))))


def standard_error(d: PairedDifferences, correlation: float) -> float:
    """√((1/n + n_test/n_train) s²), in the metric's unit; the ratio is 0 for independent rounds."""
    return math.sqrt(1 / d.n + correlation) * d.std


def ratio_or_inf(mean: float, spread: float) -> float:
    """mean / spread; with a spread of 0 it is infinite, or 0 where the mean is 0 too."""
    if spread > 0:
        return mean / spread
    return math.copysign(math.inf, mean) if mean else 0.0


def two_sided_p(t: float, df: int) -> float:
    """P(|T| ≥ |t|) for Student's T with df degrees of freedom."""
    p = min(1.0, 2 * float(special.stdtr(df, -abs(t))))
    return max(p, SMALLEST)


def one_sided_p(distance: float, error: float, n: int) -> float:
    """P(T ≥ distance / error) for Student's T with n − 1 degrees of freedom."""
    return max(SMALLEST, float(special.stdtr(n - 1, -distance / error)))
