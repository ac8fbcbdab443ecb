"""Where the variance of a mean comes from."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chainrule.statistics import StatisticsError, mean_interval, variance_parts


def crossed(rounds, samples, spreads, seed=0):
    """y = a_round + b_sample + c, a whole table, and its labels."""
    random = np.random.default_rng(seed)
    a, b, c = (
        spread * random.normal(size=shape)
        for spread, shape in zip(
            spreads, [(rounds, 1), (1, samples), (rounds, samples)], strict=True
        )
    )
    r, s = np.indices((rounds, samples)).reshape(2, -1)
    return (a + b + c).ravel(), {"samples": s, "rounds": r}


def test_of_a_whole_table_it_is_the_analysis_of_variance():
    y, factors = crossed(4, 7, (0.5, 1.0, 0.3))
    Y = y.reshape(4, 7)
    rows, columns = Y.mean(1), Y.mean(0)
    within = ((Y - rows[:, None] - columns + Y.mean()) ** 2).sum() / (3 * 6)
    by_round = (7 * rows.var(ddof=1) - within) / 7
    by_sample = (4 * columns.var(ddof=1) - within) / 4
    found = {part.name: part for part in variance_parts(y, factors)}
    assert found["rounds"].variance == pytest.approx(by_round)
    assert found["samples"].variance == pytest.approx(by_sample)
    assert found["rest"].variance == pytest.approx(within)
    assert found["rounds"].of_mean == pytest.approx(by_round / 4)
    assert found["samples"].of_mean == pytest.approx(by_sample / 7)
    assert found["rest"].of_mean == pytest.approx(within / 28)
    assert [found[name].levels for name in ("samples", "rounds", "rest")] == [7, 4, 28]


def test_what_was_put_in_comes_out():
    found = np.mean(
        [
            [part.variance for part in variance_parts(*crossed(12, 80, (0.4, 0.8, 1.0), seed))]
            for seed in range(100)
        ],
        axis=0,
    )
    assert found == pytest.approx([0.64, 0.16, 1.0], rel=0.1)


def test_the_parts_make_up_the_standard_error_of_the_mean():
    y, factors = crossed(12, 200, (0.4, 0.8, 1.0))
    total = sum(part.of_mean for part in variance_parts(y, factors))
    error = mean_interval(y, factors["rounds"], factors["samples"]).standard_error
    assert math.sqrt(total) == pytest.approx(error, rel=0.02)


def test_samples_that_are_tested_once_take_the_place_of_the_rest():
    y = np.random.default_rng(1).normal(size=60) + np.repeat([0, 2, 4], 20)
    parts = variance_parts(y, {"samples": np.arange(60), "rounds": np.repeat([0, 1, 2], 20)})
    assert [part.name for part in parts] == ["samples", "rounds"]
    assert parts[0].variance == pytest.approx(1, rel=0.4)
    assert parts[1].variance == pytest.approx(4, rel=0.5)


def test_settings_are_told_from_the_rounds_that_chose_them():
    random, found = np.random.default_rng(2), []
    rounds = np.repeat(np.arange(20), 30)
    chosen = random.integers(4, size=20)
    for _ in range(60):
        setting, own = 2 * random.normal(size=4)[chosen], 0.5 * random.normal(size=20)
        y = (setting + own)[rounds] + random.normal(size=600)
        factors = {"samples": np.arange(600), "rounds": rounds, "search": chosen[rounds]}
        found.append([part.variance for part in variance_parts(y, factors)])
    assert np.mean(found, axis=0) == pytest.approx([1, 0.25, 4], rel=0.15, abs=0.1)


def test_a_pair_counts_for_both_of_its_images():
    random = np.random.default_rng(3)
    images, found = random.integers(50, size=(2000, 2)), []
    for _ in range(30):
        effect = random.normal(size=50)
        y = effect[images].sum(1) + random.normal(size=2000)
        found.append([part.variance for part in variance_parts(y, {"samples": images})])
    assert np.mean(found, axis=0) == pytest.approx([1, 1], rel=0.15)


def test_wrong_calls():
    y, factors = crossed(3, 4, (1, 1, 1))
    with pytest.raises(
        StatisticsError,
        match=r"samples: expected a label of each of 11 scores, got the shape \(12,\)",
    ):
        variance_parts(y[1:], factors)
    with pytest.raises(StatisticsError, match="rounds: expected at least two, got 1"):
        variance_parts(y, {"rounds": np.zeros(12, int)})
    with pytest.raises(StatisticsError, match="cannot be told apart: rounds, seeds, rest"):
        variance_parts(y, {"rounds": factors["rounds"], "seeds": factors["rounds"]})
    with pytest.raises(StatisticsError, match="scores: expected finite numbers"):
        variance_parts(y + math.inf, factors)
