"""Rounds that share samples, judged by their predictions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chainrule.statistics import (
    StatisticsError,
    paired_t,
    sample_test,
    two_way_table,
    two_way_test,
)


def tables(rounds=4, samples=30, seed=0):
    return np.random.default_rng(seed).normal(size=(2, rounds, samples))


def test_by_hand():
    # e = (1, −1), (3, −1), (−1, −1) by round: sums 0, 2, −2, squared 8; by sample 3, −3: 18; Σ e²
    # = 14, so C = 4. V = 2 · 18 + max(0, 3/2 · 8 − (14 − 4/2)) = 36 + 0, M = 6.
    result = two_way_table([[1, -1], [3, -1], [-1, -1]], np.zeros((3, 2)))
    assert result.difference == 0
    assert result.standard_error == pytest.approx(6 / 6)
    assert (result.n, result.test, result.p) == (3, "two-way t", 1)


def test_rounds_of_their_own_samples_are_a_paired_t():
    # Where rounds differ much and share nothing, V is V_rounds and what a round has inside.
    random = np.random.default_rng(1)
    d = random.normal(0, 1, (5, 1)) + 0.01 * random.normal(size=(5, 40))
    rounds = np.repeat(np.arange(5), 40)
    ours = two_way_test(d.ravel(), rounds, np.arange(200))
    theirs = paired_t(d.mean(axis=1), np.zeros(5))
    assert ours.standard_error == pytest.approx(theirs.standard_error, rel=0.01)
    assert ours.df == 4


def test_the_same_samples_without_noise_are_a_test_over_samples():
    d = np.random.default_rng(2).normal(size=50)
    ours = two_way_table(np.tile(d, (6, 1)), np.zeros((6, 50)))
    assert ours.standard_error == pytest.approx(paired_t(d, np.zeros(50)).standard_error)
    assert ours.df == 49


def test_a_missing_sample_is_left_out():
    a, b = tables()
    a[0, 3] = b[0, 3] = math.nan
    rounds, samples = np.nonzero(~np.isnan(a))
    assert two_way_table(a, b) == two_way_test((a - b)[rounds, samples], rounds, samples)
    assert two_way_table(a, b).difference == pytest.approx(np.nanmean(a - b))


def test_the_order_and_the_names_of_samples_do_not_matter():
    a, b = tables()
    order = np.random.default_rng(3).permutation(30)
    one, other = two_way_table(a, b), two_way_table(b[:, order], a[:, order])
    assert one.p == pytest.approx(other.p)
    assert one.low == pytest.approx(-other.high)


def test_one_round_is_the_paired_t_over_its_samples():
    d = np.random.default_rng(5).normal(size=40)
    ours, theirs = sample_test(d, np.arange(40)), paired_t(d, np.zeros(40))
    assert (ours.p, ours.low, ours.df) == pytest.approx((theirs.p, theirs.low, theirs.df))
    assert (ours.test, ours.n) == ("paired t over samples", 40)


def test_two_nets_tested_on_the_same_samples_are_their_mean():
    d = np.random.default_rng(6).normal(size=(2, 40))
    ours = sample_test(d.ravel(), np.tile(np.arange(40), 2))
    assert ours.p == pytest.approx(paired_t(d.mean(axis=0), np.zeros(40)).p)


def test_one_sample_or_no_spread_is_no_test():
    with pytest.raises(StatisticsError, match="expected at least two samples, got 1"):
        sample_test(np.array([1.0, 2.0]), np.array([3, 3]))
    with pytest.raises(StatisticsError, match="no spread to judge by"):
        sample_test(np.ones(3), np.arange(3))


def test_wrong_calls():
    a, b = tables()
    with pytest.raises(StatisticsError, match="two tables"):
        two_way_table(a, b[:, :3])
    with pytest.raises(StatisticsError, match="at least 3 rounds and 2 samples, got 2 and 30"):
        two_way_table(a[:2], b[:2])
    with pytest.raises(StatisticsError, match="rounds: expected a label of each of 3 scores"):
        two_way_test(np.ones(3), [0, 1], [0, 1, 2])
    with pytest.raises(StatisticsError, match="differences: expected finite numbers"):
        two_way_test(np.array([1, math.nan, 2]), [0, 1, 2], [0, 1, 2])
    with pytest.raises(StatisticsError, match="no spread to judge by"):
        two_way_table(a, a)


def equal_learners(random, rounds, pairs):
    """Two learners, equally good on all images, tested on 2,000 of a pool of 2,500 a round."""
    right = random.random((2, 2500)) < 0.92
    drawn = np.stack([random.permutation(2500)[:2000] for _ in range(rounds)])
    samples = drawn.reshape(rounds, -1, 2 if pairs else 1)
    score = right[:, samples].all(axis=-1).astype(float)
    labels = np.repeat(np.arange(rounds), samples.shape[1])
    return score, labels, samples.reshape(-1, samples.shape[2])


@pytest.mark.slow
@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("rounds", [3, 10, 30])
def test_a_pool_of_2500_images(rounds, pairs):
    """Chance moves a rate of 5 % by 0.7 points. A paired t calls 35, 73 and 86 % different."""
    random, hits, naive = np.random.default_rng(rounds), 0, 0
    for _ in range(1000):
        score, labels, samples = equal_learners(random, rounds, pairs)
        hits += two_way_test((score[0] - score[1]).ravel(), labels, samples).p < 0.05
        naive += paired_t(*score.mean(axis=2)).p < 0.05
    assert 0.03 <= hits / 1000 <= 0.065
    assert naive / 1000 > 0.3


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [3, 10])
def test_rounds_and_samples_that_both_vary(rounds):
    random, hits = np.random.default_rng(rounds), 0
    for _ in range(1000):
        d = random.normal(0, 0.3, 500) + random.normal(0, 0.05, (rounds, 1))
        d = d + random.normal(size=(rounds, 500))
        hits += two_way_table(d, np.zeros_like(d)).p < 0.05
    assert 0.03 <= hits / 1000 <= 0.08
