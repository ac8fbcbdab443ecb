"""Arms over several data sets: ranks, tests, posteriors."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from chainrule.statistics import (
    FreshData,
    StatisticsError,
    compare_over_datasets,
    friedman,
    holm,
    rank_arms,
)

FRESH = [FreshData()] * 8


def draw_arms(q=8, n=5, steps=(0.0, 0.01, 0.03), seed=2):
    rng = np.random.default_rng(seed)
    return {
        f"arm{i}": [list(rng.normal(0.8 + step, 0.004, n)) for _ in range(q)]
        for i, step in enumerate(steps)
    }


def test_all_pairs_by_wilcoxon_of_the_means_with_holm():
    scores = draw_arms()
    found = compare_over_datasets(scores, FRESH)
    assert [(c.a, c.b) for c in found.comparisons] == [
        ("arm0", "arm1"),
        ("arm0", "arm2"),
        ("arm1", "arm2"),
    ]
    means = {arm: np.mean(of, axis=1) for arm, of in scores.items()}
    theirs = [stats.wilcoxon(means[c.a], means[c.b]).pvalue for c in found.comparisons]
    assert [c.wilcoxon.p for c in found.comparisons] == pytest.approx(theirs)
    assert [c.p_holm for c in found.comparisons] == pytest.approx(holm(theirs))
    assert found.ranking == rank_arms(means)


def test_against_the_baseline():
    found = compare_over_datasets(draw_arms(), FRESH, baseline="arm2")
    assert [(c.a, c.conclusion) for c in found.comparisons] == [
        ("arm0", "worse"),
        ("arm1", "worse"),
    ]
    assert found.comparisons[0].p_holm == pytest.approx(2 * 2**-7)


def test_the_side_is_that_of_the_ranks():
    ranks = {"a": [[i * 0.01 + 0.5] * 2 for i in range(1, 9)], "b": [[0.5] * 2] * 8}
    ranks["a"][0] = [0.5 - 0.001] * 2
    found = compare_over_datasets(ranks, FRESH).comparisons[0]
    assert found.conclusion == "better"
    assert (found.as_row()["wins"], found.as_row()["losses"]) == (7, 1)


def test_what_rounding_leaves_is_a_tie():
    scores = {"a": [[0.9, 0.8]] * 3, "b": [[0.9 + 1e-9, 0.8]] * 3}
    row = compare_over_datasets(scores, FRESH[:3]).as_rows()[0]
    assert (row["wins"], row["ties"], row["losses"], row["p"]) == (0, 3, 0, 1)


def test_two_arms_have_no_ranking_and_two_data_sets_no_posterior():
    found = compare_over_datasets(draw_arms(2, steps=(0.0, 0.1)), FRESH[:2])
    assert (found.ranking, found.comparisons[0].posterior) == (None, None)
    assert "With 2 data sets and 1 comparison" in found.note


def test_a_single_round_has_no_posterior():
    found = compare_over_datasets(draw_arms(n=1), FRESH)
    assert [c.posterior for c in found.comparisons] == [None] * 3


def test_the_rope_is_that_of_the_posterior():
    [one, _] = compare_over_datasets(draw_arms(), FRESH, baseline="arm2", rope=0.02).comparisons
    assert one.posterior.rope == 0.02
    assert one.posterior.worse > 0.9


def test_rows_are_json():
    for scores in (draw_arms(), draw_arms(2)):
        rows = compare_over_datasets(scores, FRESH[: len(scores["arm0"])]).as_rows()
        assert json.loads(json.dumps(rows, allow_nan=False)) == rows


@pytest.mark.parametrize(
    ("n", "said"), [(2, "7 %"), (3, "19 %"), (4, "7 %"), (5, "7 %"), (6, None)]
)
def test_friedmans_p_over_few_data_sets_is_said_to_be_too_small(n, said):
    rng = np.random.default_rng(0)
    note = friedman({arm: rng.normal(size=n) for arm in "abc"}).note
    assert note is None if said is None else f"in up to {said}" in note


@pytest.mark.parametrize(
    ("scores", "designs", "message"),
    [
        (draw_arms(), FRESH[:7], "on at least two data sets"),
        ({"a": [[1, 2]], "b": [[1, 2]]}, FRESH[:1], "on at least two data sets"),
        ({"a": [[1, 2]] * 2}, FRESH[:2], "expected at least two arms"),
    ],
)
def test_wrong_calls(scores, designs, message):
    with pytest.raises(StatisticsError, match=message):
        compare_over_datasets(scores, designs)
