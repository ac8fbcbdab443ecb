"""Which candidates leave a race, against scikit-posthocs."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.statistics import StatisticsError, race_survivors


def draw(seed: int, arms: int = 6, splits: int = 8, spread: float = 0.1) -> dict[str, list[float]]:
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=splits)
    return {
        f"c{i}": (0.1 * i + shared + spread * rng.normal(size=splits)).tolist() for i in range(arms)
    }


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_conover_after_friedman(seed):
    posthocs = pytest.importorskip("scikit_posthocs")
    scores = draw(seed)
    p = posthocs.posthoc_conover_friedman(np.array([*scores.values()]).T)
    wanted = [name for i, name in enumerate(scores) if p.iloc[5, i] > 0.05]
    assert race_survivors(scores, "c5") == wanted
    assert 0 < len(wanted) < 6


def test_where_all_splits_agree_only_the_best_is_left():
    scores = {"a": [1, 2, 3], "b": [0, 1, 2], "c": [0.5, 1.5, 2.5]}
    assert race_survivors(scores, "a") == ["a"]


def test_equal_candidates_all_stay():
    rng = np.random.default_rng(3)
    scores = {name: rng.normal(size=3).tolist() for name in "abcd"}
    best = max(scores, key=lambda name: np.mean(scores[name]))
    assert race_survivors(scores, best) == list("abcd")
    assert race_survivors({name: [0.5, 0.5, 0.5] for name in "abc"}, "a") == list("abc")


def test_two_are_compared_by_the_t_test():
    assert race_survivors({"a": [5, 6, 7], "b": [1.1, 2, 2.9]}, "a") == ["a"]
    assert race_survivors({"a": [5, 6, 7], "b": [4, 7, 6]}, "a") == ["a", "b"]


def test_one_is_alone():
    assert race_survivors({"a": [0.5, 0.6]}, "a") == ["a"]


@pytest.mark.parametrize(("best", "alpha"), [("z", 0.05), ("c0", 0.0), ("c0", 1.0)])
def test_what_is_no_race_is_refused(best, alpha):
    with pytest.raises(
        StatisticsError, match=r"(best: expected one of c0|alpha: expected a number between)"
    ):
        race_survivors(draw(0), best, alpha=alpha)
