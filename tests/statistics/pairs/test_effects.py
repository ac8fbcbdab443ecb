"""Effect sizes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from scipy import stats

from chainrule.statistics import (
    StatisticsError,
    accuracy_interval,
    d_z,
    superiority,
    wilson_interval,
)
from tests.statistics.strategies import arms


def test_d_z_by_hand():
    # Differences 1, 2, 3: mean 2, s = 1.
    assert d_z([2, 4, 6], [1, 2, 3]) == pytest.approx(2)


def test_d_z_without_spread():
    assert d_z([1, 2], [1, 2]) == 0
    assert d_z([1, 2], [2, 3]) == -math.inf


def test_superiority_by_hand():
    # Won, won, drawn, lost: (1 + 1 + ½ + 0) / 4.
    result = superiority([3, 3, 2, 1], [2, 2, 2, 2])
    assert result.probability == 0.625
    assert result.p == 1  # two won, one lost
    assert (result.n, result.confidence) == (4, 0.95)


def test_the_interval_agrees_with_statsmodels():
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    for won, n, confidence in ((24, 30, 0.95), (2, 2, 0.95), (0, 5, 0.9), (3, 7, 0.99)):
        theirs = proportion.proportion_confint(won, n, 1 - confidence, method="wilson")
        assert wilson_interval(won / n, n, confidence=confidence) == pytest.approx(theirs)


def test_the_interval_covers_a_high_share_of_few_rounds():
    for n, share in ((3, 0.9), (5, 0.5), (10, 0.9), (30, 0.75)):
        wins = np.arange(n + 1)
        inside = [low <= share <= high for low, high in (wilson_interval(w / n, n) for w in wins)]
        assert 0.91 <= stats.binom(n, share).pmf(wins)[inside].sum() <= 1


def test_the_p_is_that_of_the_sign_test():
    a = np.random.default_rng(9).integers(-2, 4, 12)
    theirs = stats.binomtest(int((a > 0).sum()), int((a != 0).sum()))
    assert superiority(a, np.zeros(12)).p == pytest.approx(theirs.pvalue)


@pytest.mark.parametrize(("won", "meaningful"), [(30, True), (24, True), (22, False), (5, False)])
def test_meaningful_is_above_three_quarters(won, meaningful):
    result = superiority([1] * won + [0] * (30 - won), [0.5] * 30)
    assert result.meaningful is meaningful


@pytest.mark.parametrize("n", range(2, 40))
def test_equal_arms_are_seldom_called_meaningful(n):
    share = sum(
        stats.binom(n, 0.5).pmf(won)
        for won in range(n + 1)
        for result in [superiority([1] * won + [-1] * (n - won), [0] * n)]
        if result.meaningful
    )
    assert 2 * share <= 0.05


@given(arms())
def test_properties(two):
    a, b = two
    one = superiority(a, b)
    assert 0 <= one.low <= one.high <= 1
    assert 0 <= one.probability <= 1
    assert one.probability == pytest.approx(1 - superiority(b, a).probability)
    assert d_z(a, b) == -d_z(b, a)


@pytest.mark.parametrize(("correct", "samples"), [(0, 10), (10, 10), (7, 10), (940, 1000)])
def test_an_accuracy_has_the_exact_interval(correct, samples):
    theirs = stats.binomtest(correct, samples).proportion_ci(0.9, method="exact")
    assert accuracy_interval(correct, samples, confidence=0.9) == pytest.approx(tuple(theirs))


def test_wrong_numbers():
    with pytest.raises(
        StatisticsError, match="confidence: expected a number between 0 and 1, got 1"
    ):
        superiority([1, 2], [2, 2], confidence=1)
    with pytest.raises(StatisticsError, match=r"share: expected a number from 0 to 1, got 1\.5"):
        wilson_interval(1.5, 4)
    with pytest.raises(StatisticsError, match="n: expected a whole number, 1 or more, got 0"):
        wilson_interval(0, 0)
    with pytest.raises(StatisticsError, match="correct: expected 0 to 2, the samples, got 3"):
        accuracy_interval(3, 2)
    with pytest.raises(
        StatisticsError, match="confidence: expected a number between 0 and 1, got 2"
    ):
        accuracy_interval(1, 2, confidence=2)
