"""What every test asks of its input."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from chainrule._util.plain_data import finite_or_none
from chainrule.statistics import (
    FreshData,
    StatisticsError,
    compare,
    correlated_t,
    d_z,
    paired_t,
    sign_flip,
    superiority,
    wilcoxon,
)
from chainrule.statistics.scores import pair_scores

TESTS = [
    paired_t,
    wilcoxon,
    sign_flip,
    d_z,
    superiority,
    lambda a, b: correlated_t(a, b, FreshData(), rope=0.1),
    lambda a, b: compare({"a": a, "b": b}, FreshData()),
]
WRONG = [
    ([0.5], [0.4], "at least 2 scores, got 1 of them"),
    ([[0.5, 0.6]], [[0.4, 0.1]], r"at least 2 scores, got the shape \(1, 2\)"),
    ([0.5, 0.6], [0.4, 0.3, 0.2], "2"),
    ([0.5, 0.6], [0.4, math.nan], r"score 1 is nan; score a diverged round by a declared rule"),
    ([0.5, math.inf], [0.4, 0.3], "score 1 is inf"),
    ([-1e200, 0.1], [0.4, 0.3], "score 0 is -1e"),
    (["high", "low"], [0.4, 0.3], "expected numbers, got"),
]


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize(("a", "b", "message"), WRONG)
def test_a_wrong_call_says_what_is_wrong(test, a, b, message):
    with pytest.raises(StatisticsError, match=message):
        test(a, b)


def test_an_error_is_a_value_error():
    assert issubclass(StatisticsError, ValueError)


def test_unequal_rounds_are_named():
    with pytest.raises(StatisticsError, match="expected as many scores of each, got 2 and 3"):
        pair_scores([0.1, 0.2], [0.1, 0.2, 0.3])


def test_tensors_and_arrays_are_scores():
    a, b = [0.5, 0.25, 0.75], [0.25, 0.5, 0.0]
    lists = paired_t(a, b)
    assert paired_t(np.array(a), np.array(b)) == lists
    assert paired_t(torch.tensor(a), torch.tensor(b)) == lists


def test_the_scores_are_not_changed():
    a, b = np.array([0.3, 0.2]), np.array([0.1 + 0.2, 0.1])
    pair_scores(a, b)
    assert b[0] == 0.1 + 0.2


def test_a_difference_that_is_rounding_is_none():
    assert pair_scores([0.3, 0.3], [0.1 + 0.2, 0.3]).differences.tolist() == [0.0, 0.0]


def test_a_spread_that_is_rounding_is_none():
    a = [0.1 * i for i in range(10)]
    d = pair_scores(a, [x - 0.1 for x in a])
    assert np.ptp(d.differences) > 0
    assert d.std == 0


def test_small_scores_keep_their_spread():
    assert pair_scores([1e-170, 3e-170], [0.0, 0.0]).std == pytest.approx(2**0.5 * 1e-170)


def test_scores_that_are_all_zero_have_no_spread():
    d = pair_scores([0.0, 0.0], [0.0, 0.0])
    assert (d.mean, d.std, d.n) == (0.0, 0.0, 2)


def test_an_infinite_number_is_null_in_json():
    assert [finite_or_none(x) for x in (1.5, math.inf, -math.inf)] == [1.5, None, None]
