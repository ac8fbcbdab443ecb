"""The design, read off the samples."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.statistics import (
    FinitePool,
    FixedSplit,
    FreshData,
    PartialResplits,
    Resplits,
    StatisticsError,
    compare,
    design_from_overlap,
)


def test_nothing_shared_is_fresh_data():
    found = design_from_overlap([[0, 1], [2, 3]], [[4], [5]])
    assert found.design == FreshData()
    assert (found.samples, found.notes) == (6, ())


def test_always_the_same_is_a_fixed_split():
    assert design_from_overlap([["a", "b"]] * 3, [["c"]] * 3).design == FixedSplit()


def test_one_data_set_divided_anew_is_a_resplit():
    random = np.random.default_rng(0)
    orders = [random.permutation(10).tolist() for _ in range(4)]
    found = design_from_overlap([x[:7] for x in orders], [x[7:] for x in orders])
    assert found.design == Resplits(n_test=3, n_train=7)
    assert found.crossed + found.shared_test == pytest.approx(1)
    assert "of a round's test samples are training samples of another" in found.notes[0]


def test_folds_are_resplits():
    folds = [{i for i in range(12) if i % 4 == k} for k in range(4)]
    found = design_from_overlap([set(range(12)) - fold for fold in folds], folds)
    assert found.design == Resplits(n_test=3, n_train=9)
    assert (found.shared_test, found.crossed) == (0, 1)


def test_parts_of_a_data_set_are_correlated_by_what_they_share():
    # Of {2, 3} the other round tests 2; of {2, 0} it tests 2 and trains with 0.
    found = design_from_overlap([[0, 1], [4, 9]], [[2, 3], [2, 0]])
    assert found.shared_test == 0.5
    assert found.crossed == 0.25
    # Used at all: q = 3/4, times 2/4; the ½ of shared_test is more.
    assert found.design == PartialResplits(0.5)
    assert found.design.test_over_train == 1
    far = design_from_overlap([[0, 1, 2, 3], [8, 5, 6, 7]], [[4, 10], [11, 0]])
    assert far.design == PartialResplits(0.25 * 2 / 6)


def test_a_pool_limits_the_conclusion():
    found = design_from_overlap([[0, 1], [2, 3]], [[10, 11], [11, 12]])
    assert found.design == FinitePool(3, 0.5, 0.0)
    assert "about this pool of 3 samples" in found.design.scope
    trains = design_from_overlap([[0, 1], [1, 2]], [[10], [11]]).design
    assert "share 50% of their training samples" in trains.scope


def test_a_leak_within_a_round_is_named():
    found = design_from_overlap([[0, 1], [2, 3]], [[4], [3]])
    assert found.leaks == (1,)
    assert found.notes[0].startswith(
        "A leak: a round trains with test samples of its own (rounds 1)"
    )


def test_a_derived_design_decides_the_test():
    scores = {"a": [1.0, 2.0, 4.0], "b": [0.5, 1.0, 1.5]}
    table = compare(scores, PartialResplits(0.25))
    assert table.comparisons[0].test.test == "Nadeau-Bengio"
    assert table.comparisons[0].wilcoxon is None
    assert compare(scores, FinitePool(3, 0.5)).comparisons[0].test.test == "paired t"


def test_wrong_calls():
    for train, test in (([[0]], [[1]]), ([[0], [1]], [[2]]), ([[0], []], [[1], [2]])):
        with pytest.raises(StatisticsError, match="at least two rounds"):
            design_from_overlap(train, test)
    with pytest.raises(
        StatisticsError, match="correlation: expected a number between 0 and 1, got 1"
    ):
        PartialResplits(1)
