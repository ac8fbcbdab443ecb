"""The hierarchical Bayesian comparison over data sets."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from chainrule.statistics import (
    FreshData,
    Resplits,
    StatisticsError,
    hierarchical_posterior,
)
from chainrule.statistics.datasets import hierarchical
from chainrule.statistics.datasets.hierarchical import prior_of_nu

FOLDS = Resplits(n_test=25, n_train=100)


def draw_scores(q=6, n=8, mean=0.01, among=0.01, within=0.02, seed=1):
    """The scores of two arms on q data sets, n rounds each."""
    rng = np.random.default_rng(seed)
    b = [0.8 + rng.normal(0, 0.01, n) for _ in range(q)]
    return [y + rng.normal(rng.normal(mean, among), within, n) for y in b], b


def integrate(a, b, ratio, rope):
    """(mean, P(worse), P(same), P(better) on another data set) by quadrature over all unknowns.

    With σᵢ integrated out, x̄ᵢ − μᵢ is Student's t with n − 2 degrees of freedom.
    """
    d = [np.subtract(x, y) for x, y in zip(a, b, strict=True)]
    means, n = np.array([x.mean() for x in d]), np.array([len(x) for x in d])
    errors = np.sqrt((1 / n + ratio) * (n - 1) / (n - 2)) * [x.std(ddof=1) for x in d]
    span, among = 5 * max(np.abs(means).max(), errors.max()), np.std(means, ddof=1)
    mu_0 = np.linspace(means.mean() - span, means.mean() + span, 121)[:, None, None]
    sigma_0, nu = np.geomspace(among / 100, 100 * among, 40)[:, None], np.geomspace(0.2, 300, 8)
    log_p = np.log(sigma_0) + np.log(prior_of_nu(nu) * nu)
    for i in range(len(d)):
        mu = means[i] + errors[i] * stats.t.ppf((np.arange(80) + 0.5) / 80, n[i] - 2)
        z = (mu - mu_0[..., None]) / sigma_0[..., None]
        density = stats.t.pdf(z, nu[:, None]) / sigma_0[..., None]
        log_p = log_p + np.log(density.mean(axis=-1) + 1e-300)
    p = np.exp(log_p - log_p.max()) / np.exp(log_p - log_p.max()).sum()
    worse = stats.t.cdf((-rope - mu_0) / sigma_0, nu)
    better = stats.t.sf((rope - mu_0) / sigma_0, nu)
    shares = (worse * p).sum(), ((1 - worse - better) * p).sum(), (better * p).sum()
    return float((mu_0 * p).sum()), *map(float, shares)


@pytest.mark.parametrize("setting", [(5, 0.01, 0.01), (8, 0.005, 0.001), (4, 0.0, 0.03)])
def test_the_drawn_posterior_is_the_integrated_one(setting):
    q, mean, among = setting
    a, b = draw_scores(q, 10, mean, among)
    found = hierarchical_posterior(a, b, [FOLDS] * q, rope=0.01)
    middle, *shares = integrate(a, b, 0.25, 0.01)
    drawn = found.next_worse, found.next_equivalent, found.next_better
    assert drawn == pytest.approx(shares, abs=0.02)
    assert found.mean == pytest.approx(middle, abs=0.002)


def test_probabilities_add_up_and_swap_with_the_arms():
    a, b = draw_scores()
    one = hierarchical_posterior(a, b, [FOLDS] * 6, rope=0.005)
    other = hierarchical_posterior(b, a, [FOLDS] * 6, rope=0.005)
    for x in (one, other):
        assert x.worse + x.equivalent + x.better == pytest.approx(1)
        assert x.next_worse + x.next_equivalent + x.next_better == pytest.approx(1)
    assert one.better == pytest.approx(other.worse, abs=0.03)
    assert one.mean == pytest.approx(-other.mean, abs=0.002)


def test_the_unit_does_not_matter():
    a, b = draw_scores()
    one = hierarchical_posterior(a, b, [FOLDS] * 6, rope=0.005)
    scaled = [[1000 * x for x in of] for of in a], [[1000 * x for x in of] for of in b]
    other = hierarchical_posterior(*scaled, [FOLDS] * 6, rope=5.0)
    assert other.better == pytest.approx(one.better)
    assert other.high == pytest.approx(1000 * one.high)


def test_a_data_set_far_off_on_few_rounds_is_drawn_to_the_others():
    a, b = draw_scores(q=8, n=20, within=0.005, among=0.001, seed=3)
    noise = np.random.default_rng(5).normal(0.1, 0.15, 4)
    a, b = [*a, b[0][:4] + noise], [*b, b[0][:4]]
    found = hierarchical_posterior(a, b, [FreshData()] * 9, rope=0.0)
    assert abs(found.means[-1] - found.mean) < abs(noise.mean() - found.mean) / 2
    assert found.data_sets == 9


def test_shared_samples_make_it_less_sure():
    a, b = draw_scores(q=5, mean=0.006, among=0.0001, within=0.01)
    fresh, folds = (hierarchical_posterior(a, b, [d] * 5) for d in (FreshData(), FOLDS))
    assert folds.high - folds.low > fresh.high - fresh.low


def test_the_same_seed_gives_the_same_numbers():
    a, b = draw_scores()
    one, same, other = (hierarchical_posterior(a, b, [FOLDS] * 6, seed=s) for s in (2, 2, 3))
    assert one == same != other


@pytest.mark.parametrize("q", [3, 8])
def test_the_steps_that_are_left_out_are_enough(q, monkeypatch):
    a, b = draw_scores(q)
    found = hierarchical_posterior(a, b, [FOLDS] * q, rope=0.01)
    monkeypatch.setattr(hierarchical, "WARM_UP", 200)
    monkeypatch.setattr(hierarchical, "KEPT", 600)
    long = hierarchical_posterior(a, b, [FOLDS] * q, rope=0.01, seed=3)
    for name in ("worse", "better", "next_worse", "next_better"):
        assert getattr(found, name) == pytest.approx(getattr(long, name), abs=0.02)
    assert found.mean == pytest.approx(long.mean, abs=0.05 * (long.high - long.low))


def test_one_data_set_may_be_far_surer_than_the_others():
    a, b = draw_scores(q=5)
    a, b = [*a, 0.95 + np.array([1.5, -0.5, -1.0]) * 1e-9], [*b, np.full(3, 0.7)]
    found = hierarchical_posterior(a, b, [FreshData()] * 6, rope=0.01)
    assert found.means[-1] == pytest.approx(0.25, abs=1e-7)
    assert -0.1 < found.low < found.mean < found.high < 0.3


def test_a_wide_rope_holds_all_and_a_narrow_one_nothing():
    a, b = draw_scores()
    ropes = (0.0, 0.001, 0.01, 1.0)
    inside = [hierarchical_posterior(a, b, [FOLDS] * 6, rope=r).next_equivalent for r in ropes]
    assert inside[0] == 0
    assert inside[-1] == pytest.approx(1, abs=0.01)
    assert all(x <= y for x, y in pairwise(inside))


def test_a_data_set_whose_rounds_all_agree_is_no_certainty():
    a, b = draw_scores(q=4)
    a, b = [*a, np.full(8, 0.9)], [*b, np.full(8, 0.9)]
    found = hierarchical_posterior(a, b, [FOLDS] * 5, rope=0.01)
    assert 0.001 < found.next_worse + found.next_better < 0.999
    without = hierarchical_posterior(a, b, [FOLDS] * 5)
    assert np.isfinite([without.mean, without.low, without.high]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rope": -1.0}, "rope: expected a number, 0 or more, got -1"),
        ({"a": [[1, 2]] * 2}, "and a design, of every data set"),
        ({"a": [[1, 2]] * 3, "b": [[1, 2]] * 3}, "expected a rope above 0"),
        ({"a": [[1, 2], [1, 2], [1]]}, "at least 2 scores"),
    ],
)
def test_wrong_calls(arguments, message):
    given = {"a": [[1, 2]] * 3, "b": [[1, 3]] * 3, "designs": [FreshData()] * 3} | arguments
    with pytest.raises(StatisticsError, match=message):
        hierarchical_posterior(given.pop("a"), given.pop("b"), given.pop("designs"), **given)


def test_two_data_sets_say_nothing_of_others():
    with pytest.raises(StatisticsError, match="at least 3 data sets, got 2"):
        hierarchical_posterior([[1, 2]] * 2, [[1, 3]] * 2, [FreshData()] * 2)


@pytest.mark.slow
def test_intervals_hold_the_true_mean_and_probabilities_come_true():
    """200 simulated comparisons over 8 data sets, 10 re-splits each: what was drawn is known."""
    rng, held, next_better, came = np.random.default_rng(7), [], [], []
    for seed in range(200):
        mean = rng.normal(0, 0.01)
        a, b = draw_scores(8, 10, mean, 0.01, 0.02, seed)
        found = hierarchical_posterior(a, b, [FreshData()] * 8, rope=0.005)
        held.append(found.low <= mean <= found.high)
        next_better.append(found.next_better)
        came.append(rng.normal(mean, 0.01) > 0.005)
    assert np.mean(held) >= 0.92  # 0.95, less two standard errors of 0.015: 0.99 was found
    assert np.mean(next_better) == pytest.approx(np.mean(came), abs=0.08)
    sure = np.array(next_better) > 0.8
    assert np.mean(np.array(came)[sure]) >= np.mean(np.array(next_better)[sure]) - 0.1
