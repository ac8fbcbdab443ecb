"""Effect sizes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from scipy import stats

from chainrule.statistics import StatisticsError, d_z, superiority
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
    assert (result.n, result.draws, result.confidence) == (4, 10_000, 0.95)


def test_the_interval_is_that_of_resampled_rounds():
    # 24 of 30 won: the number won in a sample is binomial, its quantiles are known.
    result = superiority([1] * 24 + [0] * 6, [0.5] * 30, draws=200_000)
    wins = stats.binom(30, 0.8).ppf([0.025, 0.975]) / 30
    assert (result.low, result.high) == pytest.approx(tuple(wins))


def test_agrees_with_scipy_s_bootstrap():
    random = np.random.default_rng(9)
    d = random.integers(-1, 3, 40)
    ours = superiority(d, np.zeros(40), draws=20_000, confidence=0.9)
    theirs = stats.bootstrap(
        ((d > 0) + 0.5 * (d == 0),),
        np.mean,
        n_resamples=20_000,
        method="percentile",
        confidence_level=0.9,
        rng=random,
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs), abs=0.5 / 40 + 1e-9)


def test_the_same_seed_gives_the_same_interval():
    a, b = np.random.default_rng(10).normal(size=(2, 25))
    assert superiority(a, b, seed=1) == superiority(a, b, seed=1)
    assert any(
        superiority(a, b, seed=s, draws=50) != superiority(a, b, seed=1, draws=50)
        for s in range(2, 6)
    )


@pytest.mark.parametrize(("won", "meaningful"), [(30, True), (24, True), (22, False), (5, False)])
def test_meaningful_is_above_three_quarters(won, meaningful):
    result = superiority([1] * won + [0] * (30 - won), [0.5] * 30)
    assert result.meaningful is meaningful


def test_meaningful_needs_an_interval_above_a_half():
    result = superiority([1, 1, 1, 1, 0], [0.5] * 5)
    assert result.probability == 0.8
    assert not result.meaningful


@given(arms())
def test_properties(two):
    a, b = two
    one = superiority(a, b, draws=200)
    assert 0 <= one.low <= one.high <= 1
    assert 0 <= one.probability <= 1
    assert one.probability == pytest.approx(1 - superiority(b, a, draws=200).probability)
    assert d_z(a, b) == -d_z(b, a)


def test_wrong_numbers():
    with pytest.raises(StatisticsError, match=r"at least 1 draw .* got 0 and 0\.95"):
        superiority([1, 2], [2, 2], draws=0)
    with pytest.raises(StatisticsError, match="0 < confidence < 1, got 10000 and 1"):
        superiority([1, 2], [2, 2], confidence=1)
