"""The interval of a mean of per-sample scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from chainrule.statistics import StatisticsError, mean_interval, wilson_interval


def table(shares, seed=0):
    """Scores 0 and 1 of (rounds, samples) whose chances these are."""
    return (np.random.default_rng(seed).random(shares.shape) < shares).astype(float)


def labels(scores):
    return [np.indices(scores.shape)[axis].ravel() for axis in (0, 1)]


def test_one_net_has_wilsons_interval_with_students_quantile():
    scores = np.repeat([1.0, 0.0], [90, 10])
    found = mean_interval(scores, np.zeros(100, int), np.arange(100))
    low, high = wilson_interval(0.9, 99)  # n = p (1 − p) / V, with n − 1 in V
    assert found.low == pytest.approx(low, abs=2e-3)
    assert found.high == pytest.approx(high, abs=2e-3)
    assert not found.generalizes


def test_rounds_of_their_own_samples_have_the_t_interval_of_their_means():
    scores = np.random.default_rng(1).normal(size=(6, 40)) + np.arange(6)[:, None]
    found = mean_interval(scores.ravel(), np.repeat(np.arange(6), 40), np.arange(240))
    low, high = scipy.stats.t.interval(
        0.95, 5, loc=scores.mean(), scale=scipy.stats.sem(scores.mean(axis=1))
    )
    assert (found.low, found.high) == pytest.approx((low, high))
    assert (found.df, found.rounds, found.samples) == (5, 6, 240)
    assert found.generalizes


def test_scores_of_0_and_1_stay_within_0_and_1_and_the_interval_is_never_empty():
    sure = mean_interval(np.ones(60), np.repeat([0, 1, 2], 20), np.tile(np.arange(20), 3))
    assert sure.mean == sure.high == 1
    assert 0.8 < sure.low < 0.9  # 20 samples
    few = mean_interval(np.array([1.0, 1, 1, 0]), np.zeros(4, int), np.arange(4))
    assert 0 <= few.low < few.high <= 1


def test_the_order_does_not_matter():
    scores = table(np.full((4, 30), 0.7))
    rounds, samples = labels(scores)
    order = np.random.default_rng(2).permutation(120)
    one = mean_interval(scores.ravel(), rounds, samples)
    other = mean_interval(scores.ravel()[order], rounds[order], samples[order])
    assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_wrong_calls():
    good = (np.ones(4), np.zeros(4, int), np.arange(4))
    with pytest.raises(
        StatisticsError, match="confidence: expected a number between 0 and 1, got 95"
    ):
        mean_interval(*good, confidence=95)
    with pytest.raises(
        StatisticsError, match=r"rounds: expected a label of each of 4 scores, got the shape \(3,\)"
    ):
        mean_interval(good[0], good[1][:3], good[2])
    with pytest.raises(StatisticsError, match="scores: expected finite numbers"):
        mean_interval(np.array([1, math.nan, 1, 1]), *good[1:])
    with pytest.raises(StatisticsError, match="expected at least two samples, got 1"):
        mean_interval(good[0], good[2], good[1])


def draw_study(random, kind, rounds, samples, spread):
    """Scores of nets that are right with a chance that depends on the round and the sample.

    Φ(μ + spread u_round + v_sample) with normal u and v: on average p = 0.9.
    """
    pool = random.normal(size=rounds * samples)
    if kind == "fixed":
        places = np.tile(np.arange(samples), (rounds, 1))
    elif kind == "pool":
        places = np.array([random.permutation(samples * 5 // 4)[:samples] for _ in range(rounds)])
    else:
        places = np.arange(rounds * samples).reshape(rounds, samples)
    level = scipy.stats.norm.ppf(0.9) * math.sqrt(2 + spread**2)
    chance = scipy.stats.norm.cdf(level + spread * random.normal(size=(rounds, 1)) + pool[places])
    right = random.random((rounds, samples)) < chance
    return right.astype(float).ravel(), np.repeat(np.arange(rounds), samples), places.ravel()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "rounds", "samples", "spread"),
    [
        ("fresh", 1, 300, 0.0),
        ("fresh", 3, 200, 0.1),
        ("fresh", 10, 300, 0.1),
        ("fixed", 5, 300, 0.05),
        ("fixed", 10, 300, 0.2),
        ("pool", 10, 200, 0.1),
    ],
)
def test_it_covers_the_true_mean_in_95_of_100_studies(kind, rounds, samples, spread):
    random, p, hits = np.random.default_rng(7), 0.9, 0
    for _ in range(2000):
        found = mean_interval(*draw_study(random, kind, rounds, samples, spread))
        hits += found.low <= p <= found.high
    assert 0.94 <= hits / 2000 <= 0.96  # Monte-Carlo error 0.5 points
