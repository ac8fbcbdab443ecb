"""The tests under changes of sign."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from scipy import stats

from chainrule.statistics import (
    StatisticsError,
    min_sign_test_rounds,
    paired_t,
    power_warning,
    sign_flip,
    smallest_p,
    wilcoxon,
)
from tests.statistics.strategies import arms


def against_zero(test, d, **options):
    return test(d, np.zeros(len(d)), **options)


def test_wilcoxon_by_hand():
    # |d| ranked: 1 → 1, 2 → 2, 3 → 3, 4 → 4; one loss, of rank 1: W = 1. Of 16 changes of sign
    # two have a sum of 0 or 1 (none, or rank 1 alone): p = 2 · 2/16.
    result = against_zero(wilcoxon, [-1, 2, 3, 4])
    assert (result.statistic, result.p) == (1, 0.25)
    assert (result.n, result.nonzero, result.smallest_p, result.draws) == (4, 4, 0.125, None)


def test_wilcoxon_with_ties_by_hand():
    # |d| = 1, 1, 2 have the ranks 1.5, 1.5, 3. W = 1.5. Of 8 changes of sign three have a sum of
    # at most 1.5 (none, the one, the other): p = 2 · 3/8.
    assert against_zero(wilcoxon, [-1, 1, 2]).p == 0.75


def test_wilcoxon_with_a_zero_by_hand():
    # The 0 has rank 1 and is left out; 1, 2 and 3 keep the ranks 2, 3 and 4. W = 0 in 1 of 8.
    result = against_zero(wilcoxon, [0, 1, 2, 3])
    assert (result.statistic, result.p, result.smallest_p) == (0, 0.25, 0.25)
    assert (result.n, result.nonzero) == (4, 3)


def test_sign_flip_by_hand():
    # d = −1, 2, 3: the sum is 4. Of ±1 ±2 ±3 these reach 4: 6, 4, −4, −6: p = 4/8.
    result = against_zero(sign_flip, [-1, 2, 3])
    assert (result.statistic, result.p) == (pytest.approx(4 / 3), 0.5)
    assert (result.nonzero, result.smallest_p, result.draws) == (3, 0.25, None)


def test_wilcoxon_agrees_with_scipy_without_ties():
    random = np.random.default_rng(4)
    for n in (3, 8, 25, 60):
        a, b = random.normal(0.2, 1, n), random.normal(0, 1, n)
        ours, theirs = wilcoxon(a, b), stats.wilcoxon(a, b, method="exact")
        assert (ours.statistic, ours.p) == pytest.approx(tuple(theirs), rel=1e-9)


def test_both_agree_with_scipy_s_permutations_with_ties_and_zeros():
    random = np.random.default_rng(5)
    flips = stats.PermutationMethod(n_resamples=10_000)
    for _ in range(10):
        d = random.integers(-2, 4, 9).astype(float)
        theirs = stats.wilcoxon(d, zero_method="pratt", method=flips)
        assert against_zero(wilcoxon, d).p == pytest.approx(theirs.pvalue, rel=1e-9)
        theirs = stats.permutation_test(
            (d, np.zeros(9)), lambda x, y: (x - y).mean(), permutation_type="samples"
        )
        assert against_zero(sign_flip, d).p == pytest.approx(theirs.pvalue, rel=1e-9)


def test_single_precision_breaks_no_tie():
    # 0.812 − 0.8 and 0.412 − 0.4 are both 0.012, but not so in single precision.
    a = np.array([0.812, 0.412, 0.9, 0.5], dtype=np.float32)
    b = np.array([0.8, 0.4, 0.8, 0.8], dtype=np.float32)
    whole = against_zero(wilcoxon, [12, 12, 100, -300])
    assert len(set((a.astype(float) - b).tolist())) == 4
    assert wilcoxon(a, b).p == whole.p
    assert wilcoxon(a, b).statistic == whole.statistic


@given(arms(most=9))
def test_wilcoxon_is_the_share_of_all_changes_of_sign(two):
    ours = wilcoxon(*two)
    d = np.subtract(*two)
    d[np.abs(d) <= 2.4e-7 * np.max(np.abs(two), axis=0)] = 0
    if len(set(np.abs(d).round(5))) < len(set(np.abs(d))):
        d = d.round(5)  # what counts as a tie is tested above
        ours = against_zero(wilcoxon, d)
    ranks = stats.rankdata(np.abs(d)) * (d != 0)
    sums = [
        sum(r for r, sign in zip(ranks, s, strict=True) if sign)
        for s in product((0, 1), repeat=len(d))
    ]
    assert ours.p == pytest.approx(min(1, 2 * np.mean([w <= ours.statistic for w in sums])))


@pytest.mark.parametrize("test", [wilcoxon, sign_flip])
def test_differences_all_zero(test):
    result = against_zero(test, [0, 0, 0])
    assert (result.p, result.nonzero, result.smallest_p) == (1, 0, 1)


@pytest.mark.parametrize("test", [wilcoxon, sign_flip])
@pytest.mark.parametrize("n", [2, 5, 20])
def test_the_smallest_p_is_reached_where_all_rounds_agree(test, n):
    result = against_zero(test, np.arange(1.0, n + 1))
    assert result.p == result.smallest_p == smallest_p(n) == 2 ** (1 - n)


@pytest.mark.parametrize("test", [wilcoxon, sign_flip])
@given(two=arms())
def test_properties(test, two):
    a, b = two
    one, other = test(a, b), test(b, a)
    assert one.smallest_p <= one.p <= 1
    assert one.p == pytest.approx(other.p)


def test_many_rounds_are_drawn():
    d = np.random.default_rng(6).normal(0.3, 1, 40)
    result = against_zero(sign_flip, d, draws=25_000, seed=1)
    assert result.draws == 25_000
    assert result.p == pytest.approx(against_zero(paired_t, d).p, abs=0.01)
    assert result == against_zero(sign_flip, d, draws=25_000, seed=1)
    assert result.p != against_zero(sign_flip, d, draws=25_000, seed=2).p


def test_drawn_p_is_never_zero():
    result = against_zero(sign_flip, np.ones(40), draws=999)
    assert result.p == result.smallest_p == 0.001


def test_drawn_p_agrees_with_the_exact_one(monkeypatch):
    d = np.random.default_rng(7).normal(0.4, 1, 12)
    exact = against_zero(sign_flip, d).p
    monkeypatch.setattr("chainrule.statistics.pairs.sign_tests.EXACT", 11)
    drawn = against_zero(sign_flip, d)
    assert drawn.draws == 100_000
    assert drawn.p == pytest.approx(exact, abs=5 * (exact / 100_000) ** 0.5)


def test_thirty_rounds_are_exact():
    """Σ ±1 of 30 is at least 14 in size where 22 signs agree, or more."""
    d = np.array([1.0] * 22 + [-1.0] * 8)
    found = against_zero(sign_flip, d)
    assert found.draws is None
    assert found.p == 2 * sum(math.comb(30, k) for k in range(22, 31)) / 2**30


@pytest.mark.parametrize("n", [2, 3, 9])
def test_each_change_of_sign_is_counted(n):
    d = np.random.default_rng(n).normal(0.3, 1, n)
    sums = [abs(np.dot(signs, d)) for signs in product((1, -1), repeat=n)]
    assert against_zero(sign_flip, d).p == np.mean(np.array(sums) >= abs(d.sum()) - 1e-9)


def test_wilcoxon_is_exact_for_many_rounds():
    d = np.random.default_rng(8).normal(0.1, 1, 300)
    theirs = stats.wilcoxon(d, method="exact")
    assert against_zero(wilcoxon, d).p == pytest.approx(theirs.pvalue, rel=1e-9)


@pytest.mark.parametrize(("comparisons", "rounds"), [(1, 6), (3, 7), (10, 9)])
def test_rounds_needed(comparisons, rounds):
    assert min_sign_test_rounds(comparisons) == rounds
    assert power_warning(rounds, comparisons) is None
    assert f"They need {rounds} rounds." in power_warning(rounds - 1, comparisons)


def test_too_few_says_why():
    assert power_warning(5) == (
        "With 5 rounds and 1 comparison the Wilcoxon and sign-flip tests can never reject at "
        "0.05: their smallest p is 0.0625. They need 6 rounds."
    )
    assert "With 5 data sets and 3 comparisons" in power_warning(5, 3, unit="data sets")
    assert power_warning(5, alpha=0.1) is None


def test_wrong_numbers():
    with pytest.raises(StatisticsError, match="draws: expected a whole number, 1 or more, got 0"):
        sign_flip([1, 2], [2, 2], draws=0)
    with pytest.raises(
        StatisticsError, match="comparisons: expected a whole number, 1 or more, got 0"
    ):
        min_sign_test_rounds(0)
    with pytest.raises(
        StatisticsError, match=r"alpha: expected a number between 0 and 1, got 1\.5"
    ):
        min_sign_test_rounds(1, alpha=1.5)
