"""Arms over several data sets."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from scipy import stats

from chainrule.statistics import (
    StatisticsError,
    friedman,
    holm,
    mean_ranks,
    rank_arms,
    wilcoxon,
)
from chainrule.statistics.datasets.ranking import find_cliques
from tests.statistics.strategies import arms

# Ranks of a, b, c on four data sets: 1 2 3, 1 3 2, 1 2 3, 2 1 3.
SCORES = {"a": [9, 8, 9, 6], "b": [7, 5, 8, 7], "c": [5, 6, 1, 2]}


def many(arms=4, n=15, seed=13):
    table = np.random.default_rng(seed).normal(np.arange(arms) / 2, 1, (n, arms))
    return {f"arm{i}": column for i, column in enumerate(table.T)}


def test_mean_ranks_by_hand():
    assert mean_ranks(SCORES) == {"a": 1.25, "b": 2.0, "c": 2.75}


def test_equal_scores_share_a_rank():
    ranks = mean_ranks({"a": [1, 3], "b": [1, 2], "c": [0, 2]})
    assert ranks == {"a": 1.25, "b": 2.0, "c": 2.75}


def test_friedman_by_hand():
    # χ² = 12 · 4 / (3 · 4) (0.75² + 0 + 0.75²) = 4.5; F = 3 · 4.5 / (4 · 2 − 4.5) = 27/7.
    result = friedman(SCORES)
    assert result.chi_square == pytest.approx(4.5)
    assert result.chi_square_p == pytest.approx(math.exp(-4.5 / 2))
    assert result.f == pytest.approx(27 / 7)
    # With 2 and 6 degrees of freedom P(F ≥ f) = (1 + 2 f / 6)⁻³.
    assert result.p == pytest.approx((1 + 2 * 27 / 7 / 6) ** -3)
    assert (result.df, result.df_error, result.arms, result.data_sets) == (2, 6, 3, 4)


@pytest.mark.parametrize("digits", [8, 0])
def test_friedman_agrees_with_scipy(digits):
    for n in (2, 5, 30):
        table = {arm: np.round(x, digits) for arm, x in many(n=n).items()}
        ours, theirs = friedman(table), stats.friedmanchisquare(*table.values())
        assert (ours.chi_square, ours.chi_square_p) == pytest.approx(tuple(theirs), rel=1e-9)


@pytest.mark.parametrize("digits", [8, 0])
def test_iman_davenport_is_the_analysis_of_variance_of_ranks(digits):
    anova = pytest.importorskip("statsmodels.stats.anova")
    table = np.stack([np.round(x, digits) for x in many().values()], axis=1)
    ranks = stats.rankdata(-table, axis=1)
    long = [(i, j, r) for (i, j), r in np.ndenumerate(ranks)]
    frame = pd.DataFrame(long, columns=["data", "arm", "rank_arms"])
    theirs = anova.AnovaRM(frame, "rank_arms", "data", within=["arm"]).fit().anova_table.iloc[0]
    ours = friedman(dict(enumerate(table.T)))
    assert (ours.f, ours.df, ours.df_error, ours.p) == pytest.approx(
        tuple(theirs[["F Value", "Num DF", "Den DF", "Pr > F"]]), rel=1e-9
    )


def test_the_pairs_agree_with_scikit_posthocs():
    posthocs = pytest.importorskip("scikit_posthocs")
    table = many()
    theirs = posthocs.posthoc_wilcoxon(list(table.values()), method="exact", p_adjust="holm")
    names = list(table)
    for pair in rank_arms(table).pairs:
        place = names.index(pair.a) + 1, names.index(pair.b) + 1
        assert pair.p_holm == pytest.approx(theirs.loc[place], rel=1e-9)


def test_data_sets_that_all_agree():
    # The other three data sets repeat the order of the first: (1/3!)³.
    result = friedman({"a": [3, 4, 5, 6], "b": [2, 3, 4, 5], "c": [1, 1, 1, 1]})
    assert result.f == math.inf
    assert result.p == pytest.approx(1 / 216)
    # With two of three tied there are but three orders.
    result = friedman({"a": [3, 4, 5], "b": [1, 1, 1], "c": [1, 1, 1]})
    assert result.p == pytest.approx(1 / 9)


def test_arms_that_tie_everywhere():
    result = friedman({"a": [1, 2], "b": [1, 2], "c": [1, 2]})
    assert (result.chi_square, result.chi_square_p, result.f, result.p) == (0, 1, 0, 1)


def test_ranking():
    table = many()
    result = rank_arms(table)
    assert result.arms == ("arm3", "arm2", "arm1", "arm0")
    assert list(result.mean_ranks) == sorted(mean_ranks(table).values())
    assert result.friedman == friedman(table)
    assert [(x.a, x.b) for x in result.pairs][:2] == [("arm3", "arm2"), ("arm3", "arm1")]
    assert result.pairs[0].p == wilcoxon(table["arm3"], table["arm2"]).p
    assert [x.p_holm for x in result.pairs] == holm([x.p for x in result.pairs])
    assert (result.n, result.alpha, result.note) == (15, 0.05, None)


def test_too_few_data_sets_leave_one_clique_and_say_so():
    result = rank_arms({"a": [3, 4, 5, 6], "b": [2, 3, 4, 5], "c": [1, 1, 1, 1]})
    assert result.cliques == (("a", "b", "c"),)
    assert "With 4 data sets and 3 comparisons" in result.note


def test_rows_are_json():
    for table in (many(), {"a": [3, 4], "b": [2, 3], "c": [1, 1]}):
        rows = rank_arms(table).as_rows()
        assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert rows[0] == {
        "arm": "a",
        "mean_rank": 1,
        "data_sets": 2,
        "cliques": [0],
        "friedman_f": None,
        "friedman_p": pytest.approx(1 / 6),
    }


@pytest.mark.parametrize(
    ("differ", "expected"),
    [
        ([], [("a", "b", "c", "d")]),
        (["ad"], [("a", "b", "c"), ("b", "c", "d")]),
        (["ac", "ad", "bd"], [("a", "b"), ("b", "c"), ("c", "d")]),
        (["ab", "ac", "ad"], [("b", "c", "d")]),
        (["bc"], [("a", "b"), ("c", "d")]),
        (["ab", "bc", "cd"], []),
    ],
)
def test_cliques(differ, expected):
    assert list(find_cliques("abcd", {frozenset(pair) for pair in differ})) == expected


@given(arms(how_many=4))
def test_properties(four):
    table = dict(zip("abcd", four, strict=True))
    result = rank_arms(table)
    assert sum(result.mean_ranks) == pytest.approx(10)
    assert 0 <= result.friedman.p <= 1
    assert 0 <= result.friedman.chi_square_p <= 1
    differ = {frozenset((x.a, x.b)) for x in result.pairs if x.p_holm <= 0.05}
    assert not any({a, b} <= set(clique) for clique in result.cliques for a, b in differ)
    turned = friedman({arm: [-x for x in values] for arm, values in table.items()})
    assert turned.chi_square == pytest.approx(result.friedman.chi_square, abs=1e-9)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ({"a": [1, 2], "b": [1, 2]}, "at least three arms, got 2; compare two by wilcoxon"),
        ({"a": [1], "b": [1], "c": [2]}, "arm a: expected a list of at least 2 scores"),
        ({"a": [1, 2], "b": [1, 2], "c": [1]}, "arm c"),
        (
            {"a": [1, 2], "b": [1, 2], "c": [1, 2, 3]},
            "as many scores of every arm, got a 2, b 2, c 3",
        ),
    ],
)
def test_wrong_calls(scores, message):
    with pytest.raises(StatisticsError, match=message):
        rank_arms(scores)


def test_a_wrong_alpha():
    with pytest.raises(StatisticsError, match="alpha: expected a number between 0 and 1, got 5"):
        rank_arms(SCORES, alpha=5)
