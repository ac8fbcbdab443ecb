"""No difference, as a finding."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given

from chainrule.statistics import (
    FreshData,
    Resplits,
    compare,
    equivalence_test,
    holm,
    paired_test,
)
from tests.statistics.strategies import arms


def test_agrees_with_statsmodels():
    weightstats = pytest.importorskip("statsmodels.stats.weightstats")
    a, b = np.random.default_rng(1).normal(0, 1, (2, 12))
    theirs = weightstats.ttost_paired(a, b, -0.8, 0.8)
    ours = equivalence_test(a, b, FreshData(), rope=0.8)
    assert (ours.p, ours.p_lower, ours.p_upper) == pytest.approx(
        (theirs[0], theirs[1][1], theirs[2][1])
    )


@given(arms())
def test_equivalence_is_a_90_percent_interval_within_the_rope(two):
    for design in (FreshData(), Resplits.folds(3)):
        p = equivalence_test(*two, design, rope=0.1).p
        test = paired_test(*two, design, confidence=0.9)
        if abs(p - 0.05) > 1e-9 and test.standard_error:
            assert (p < 0.05) == (test.low > -0.1 and test.high < 0.1)


def test_a_spread_of_zero_is_no_certainty():
    # The chance that three signs agree is 1/4, one way 1/8.
    assert equivalence_test([1, 2, 3], [1, 2, 3], FreshData(), rope=0.1).p == 1 / 8
    assert equivalence_test([1, 2, 3], [0, 1, 2], FreshData(), rope=0.1).p == 1


@pytest.mark.parametrize(
    ("shift", "noise", "conclusion"),
    [
        (0.0, 0.01, "equivalent"),
        (0.0, 1.0, "undecided"),
        (0.5, 0.01, "better"),
        (-0.5, 0.01, "worse"),
        (0.05, 0.01, "different within the rope"),
    ],
)
def test_no_difference_found_and_no_difference_are_two_conclusions(shift, noise, conclusion):
    b = np.random.default_rng(2).normal(0, 1, 12)
    a = b + shift + noise * np.linspace(-1, 1, 12)
    (comparison,) = compare({"a": a, "b": b}, FreshData(), rope=0.1).comparisons
    assert comparison.conclusion == conclusion == comparison.as_row()["conclusion"]


def test_equivalence_is_corrected_for_all_comparisons():
    table = np.random.default_rng(3).normal(0, 1, (4, 10))
    found = compare(dict(zip("abcd", table, strict=True)), FreshData(), rope=0.5).comparisons
    assert [c.equivalence_p_holm for c in found] == holm([c.equivalence.p for c in found])


@pytest.mark.parametrize("rope", [0, -1, math.inf, math.nan])
def test_a_wrong_rope(rope):
    with pytest.raises(ValueError, match="rope: expected a number"):
        equivalence_test([1, 2], [1, 3], FreshData(), rope=rope)
