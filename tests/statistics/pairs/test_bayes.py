"""The posterior of a difference."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given

from chainrule.statistics import FreshData, Resplits, correlated_t, paired_t
from tests.statistics.strategies import arms


def test_by_hand():
    # Differences 0, 1, 2: mean 1, s² = 1, scale 1/√3, 2 degrees of freedom, for which
    # P(T < t) = ½ + t / (2 √(2 + t²)).
    result = correlated_t([5, 7, 9], [5, 6, 7], FreshData(), rope=0.5)
    assert (result.location, result.df, result.n, result.rope) == (1, 2, 3, 0.5)
    assert result.scale == pytest.approx(1 / math.sqrt(3))

    def cdf(t):
        return 0.5 + t / (2 * math.sqrt(2 + t * t))

    worse = cdf(-1.5 * math.sqrt(3))  # 0.061
    better = 1 - cdf(-0.5 * math.sqrt(3))  # 0.761
    assert result.worse == pytest.approx(worse)
    assert result.better == pytest.approx(better)
    assert result.equivalent == pytest.approx(1 - worse - better)


def test_agrees_with_baycomp():
    baycomp = pytest.importorskip("baycomp")
    random = np.random.default_rng(3)
    for k, runs, rope in ((2, 2, 0.1), (5, 1, 0.5), (10, 10, 0.01)):
        a, b = random.normal(0.1, 1, k * runs), random.normal(0, 1, k * runs)
        ours = correlated_t(a, b, Resplits.folds(k), rope=rope)
        theirs = baycomp.two_on_single(b, a, rope, runs=runs)
        assert (ours.worse, ours.equivalent, ours.better) == pytest.approx(theirs, rel=1e-9)


def test_without_a_rope_half_of_p_is_worse():
    a, b = [0.7, 0.8, 0.6, 0.9], [0.6, 0.75, 0.65, 0.7]
    result = correlated_t(a, b, FreshData(), rope=0)
    assert result.worse == pytest.approx(paired_t(a, b).p / 2)
    assert result.equivalent == 0
    assert result.worse + result.better == pytest.approx(1)


@pytest.mark.parametrize(
    ("difference", "rope", "expected"),
    [
        (2, 1, (1 / 8, 0, 7 / 8)),
        (-2, 1, (7 / 8, 0, 1 / 8)),
        (1, 1, (1 / 8, 3 / 4, 1 / 8)),
        (0, 0, (1 / 8, 3 / 4, 1 / 8)),
    ],
)
def test_differences_all_the_same_are_no_certainty(difference, rope, expected):
    # The chance that three signs agree is 1/4; half of it each way.
    result = correlated_t([difference] * 3, [0, 0, 0], FreshData(), rope=rope)
    assert (result.worse, result.equivalent, result.better) == expected
    assert result.scale == 0


@given(arms())
def test_properties(two):
    a, b = two
    for design in (FreshData(), Resplits.folds(3)):
        one = correlated_t(a, b, design, rope=0.02)
        other = correlated_t(b, a, design, rope=0.02)
        assert one.worse + one.equivalent + one.better == pytest.approx(1)
        assert min(one.worse, one.equivalent, one.better) >= 0
        assert (one.worse, one.better) == (other.better, other.worse)
        assert correlated_t(a, b, design, rope=0.1).equivalent >= one.equivalent - 1e-12


@pytest.mark.parametrize("rope", [-0.1, math.nan, math.inf])
def test_a_wrong_rope(rope):
    with pytest.raises(ValueError, match="rope: expected a number"):
        correlated_t([1, 2], [2, 2], FreshData(), rope=rope)
