"""The t tests, and how the design chooses between them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given

from chainrule.statistics import (
    FixedSplit,
    FreshData,
    Resplits,
    StatisticsError,
    nadeau_bengio,
    one_sample_test,
    paired_t,
    paired_test,
)
from tests.statistics.strategies import arms

# Differences 1, 2, 3, 4 percent: mean 2.5, s² = (2.25 + 0.25 + 0.25 + 2.25) / 3 = 5/3.
A, B = [81, 83, 82, 86], [80, 81, 79, 82]
# Student's quantile t₀.₉₇₅ with 3 degrees of freedom, from a table.
T3 = 3.182446305284263


def test_paired_t_by_hand():
    result = paired_t(A, B)
    error = math.sqrt(5 / 3 / 4)  # 0.6455
    assert (result.test, result.n, result.df, result.confidence) == ("paired t", 4, 3, 0.95)
    assert result.difference == 2.5
    assert result.standard_error == pytest.approx(error)
    assert result.t == pytest.approx(2.5 / error)  # 3.873
    assert (result.low, result.high) == pytest.approx((2.5 - T3 * error, 2.5 + T3 * error))
    # With 3 degrees of freedom P(|T| ≥ t) = 1 − (2/π) (θ + sin θ cos θ), tan θ = t / √3.
    theta = math.atan(result.t / math.sqrt(3))
    p = 1 - 2 / math.pi * (theta + math.sin(theta) * math.cos(theta))
    assert result.p == pytest.approx(p)  # 0.0305


def test_nadeau_bengio_by_hand():
    # Four folds: n_test / n_train = 1/3, so the variance is (1/4 + 1/3) 5/3 = 35/36.
    result = nadeau_bengio(A, B, test_over_train=1 / 3)
    error = math.sqrt(35 / 36)
    assert (result.test, result.n, result.df) == ("Nadeau-Bengio", 4, 3)
    assert result.standard_error == pytest.approx(error)
    assert result.t == pytest.approx(2.5 / error)  # 2.535
    assert (result.low, result.high) == pytest.approx((2.5 - T3 * error, 2.5 + T3 * error))


def test_paired_t_agrees_with_statsmodels():
    weightstats = pytest.importorskip("statsmodels.stats.weightstats")
    random = np.random.default_rng(1)
    for n in (2, 5, 30):
        a, b = random.normal(0.3, 1, n), random.normal(0, 1, n)
        theirs = weightstats.DescrStatsW(a - b)
        for confidence in (0.9, 0.95, 0.99):
            ours = paired_t(a, b, confidence=confidence)
            assert (ours.t, ours.p, ours.df) == pytest.approx(theirs.ttest_mean(), rel=1e-9)
            interval = theirs.tconfint_mean(1 - confidence)
            assert (ours.low, ours.high) == pytest.approx(interval, rel=1e-9)


def test_nadeau_bengio_agrees_with_baycomp():
    # A flat prior: the posterior P(difference < 0) is the one-sided p.
    baycomp = pytest.importorskip("baycomp")
    random = np.random.default_rng(2)
    for k, runs in ((2, 1), (3, 4), (10, 10)):
        a, b = random.normal(0.05, 1, k * runs), random.normal(0, 1, k * runs)
        left, right = baycomp.two_on_single(b, a, runs=runs)
        ours = nadeau_bengio(a, b, test_over_train=1 / (k - 1))
        assert ours.p == pytest.approx(2 * min(left, right), rel=1e-9)


@pytest.mark.parametrize("design", [FreshData(), FixedSplit()])
def test_independent_rounds_get_the_paired_t(design):
    assert design.independent
    assert paired_test(A, B, design) == paired_t(A, B)


def test_resplits_get_nadeau_bengio():
    design = Resplits(n_test=30, n_train=70)
    assert not design.independent
    assert paired_test(A, B, design) == nadeau_bengio(A, B, test_over_train=3 / 7)


def test_folds_have_one_part_in_the_test_set():
    assert Resplits.folds(5) == Resplits(n_test=1, n_train=4)
    assert Resplits.folds(5).test_over_train == 0.25


def test_a_fixed_split_limits_the_conclusion():
    assert "for this split alone" in FixedSplit().scope


@pytest.mark.parametrize("n", [2, 5, 6, 30])
def test_differences_all_the_same_are_a_sign_test(n):
    # All n signs agree: p = 2 · 2^−n. The interval is what that test does not reject.
    result = paired_t([0.25] * n, [0.5] * n)
    assert (result.t, result.p, result.standard_error) == (-math.inf, 2 ** (1 - n), 0)
    wide = math.inf if n < 6 else 0
    assert (result.low, result.high) == (-0.25 - wide, -0.25 + wide)


def test_same_differences_of_correlated_rounds_count_for_fewer():
    # 1/(1/10 + 1/9) = 90/19 independent rounds have the same variance of the mean.
    result = paired_test([0.25] * 10, [0.5] * 10, Resplits.folds(10))
    assert result.p == pytest.approx(2 ** (1 - 90 / 19))
    assert result.high == math.inf


@pytest.mark.parametrize("n", [2, 6])
def test_differences_all_zero(n):
    result = paired_t([0.5] * n, [0.5] * n)
    assert (result.difference, result.t, result.p) == (0, 0, 1)
    assert result.high == (0 if n == 6 else math.inf)


def test_p_is_never_zero():
    assert paired_t(1e10 + np.arange(400.0), np.zeros(400)).p > 0


def test_an_infinite_interval_is_null_in_a_row():
    row = paired_t([0.25, 0.5], [0.0, 0.25]).as_row()
    assert row["low"] is row["high"] is row["t"] is None


@given(arms())
def test_properties(two):
    a, b = two
    for design in (FreshData(), Resplits.folds(3)):
        one, other = paired_test(a, b, design), paired_test(b, a, design)
        assert 0 <= one.p <= 1
        assert one.low <= one.difference <= one.high
        assert (one.p, one.t, one.difference) == (other.p, -other.t, -other.difference)
        assert (one.low, one.high) == (-other.high, -other.low)


@given(arms())
def test_the_correction_is_cautious(two):
    assert paired_test(*two, Resplits.folds(3)).p >= paired_t(*two).p - 1e-12


@given(arms())
def test_the_interval_excludes_zero_where_p_is_below_5_percent(two):
    result = paired_t(*two)
    if abs(result.p - 0.05) > 1e-9:
        assert (result.low <= 0 <= result.high) == (result.p > 0.05)


@pytest.mark.parametrize("confidence", [0, 1, 95, math.nan])
def test_a_wrong_confidence(confidence):
    with pytest.raises(ValueError, match="confidence: expected a number"):
        paired_t(A, B, confidence=confidence)


@pytest.mark.parametrize("ratio", [0, -0.1, math.inf, math.nan])
def test_a_wrong_ratio(ratio):
    with pytest.raises(ValueError, match="test_over_train: expected a number"):
        nadeau_bengio(A, B, test_over_train=ratio)


def test_wrong_designs():
    with pytest.raises(StatisticsError, match="n_train: expected a whole number, 1 or more, got 0"):
        Resplits(3, 0)
    with pytest.raises(StatisticsError, match="n_test: expected a whole number, 1 or more, got 0"):
        Resplits(0, 3)
    with pytest.raises(StatisticsError, match="k: expected a whole number, 2 or more, got 1"):
        Resplits.folds(1)


@pytest.mark.parametrize("design", [FreshData(), Resplits(300, 700)])
def test_one_arm_against_a_target(design):
    scores = [0.9, 0.94, 0.95, 0.91]
    result = one_sample_test(scores, 0.948, design)
    paired = paired_test(scores, [0.948] * 4, design)
    assert (result.t, result.p, result.low) == (paired.t, paired.p, paired.low)
    assert result.test.startswith("one-sample")


def test_a_target_agrees_with_scipy():
    stats = pytest.importorskip("scipy.stats")
    theirs = stats.ttest_1samp(A, 80)
    ours = one_sample_test(A, 80, FreshData())
    assert (ours.t, ours.p) == pytest.approx((theirs.statistic, theirs.pvalue))


def test_a_target_is_a_number():
    with pytest.raises(ValueError, match="target: expected a number, got nan"):
        one_sample_test(A, math.nan, FreshData())
    with pytest.raises(StatisticsError, match="target: expected a finite number, got inf"):
        one_sample_test(A, math.inf, FreshData())
