"""The best of n random candidates, against every way in which they can be drawn."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from chainrule.statistics import StatisticsError, expected_best

SCORES = [0.81, 0.86, 0.84, 0.86, 0.79]


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_agrees_with_every_draw(n):
    bests = np.array([max(draw) for draw in product(SCORES, repeat=n)])
    found = expected_best(SCORES, n)
    assert found.mean == pytest.approx(bests.mean(), abs=1e-12)
    assert found.std == pytest.approx(bests.std(), abs=1e-12)


def test_one_candidate_is_the_mean():
    assert expected_best(SCORES, 1).mean == pytest.approx(np.mean(SCORES), abs=1e-15)


def test_more_candidates_are_never_worse():
    means = [expected_best(SCORES, n).mean for n in range(1, 6)]
    assert means == sorted(means)
    assert means[-1] < max(SCORES)


def test_equal_scores_have_no_spread():
    assert expected_best([0.7, 0.7, 0.7], 2).std == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("n", [0, 6])
def test_more_candidates_than_were_tried_are_refused(n):
    with pytest.raises(StatisticsError, match=f"expected 1 to 5 candidates.*got {n}"):
        expected_best(SCORES, n)


@pytest.mark.parametrize("scores", [[], [0.1, float("nan")]])
def test_what_are_no_scores_is_refused(scores):
    with pytest.raises(StatisticsError, match="the candidates"):
        expected_best(scores, 1)
