"""Tests that are corrected together, and for the looks at a running study."""

from __future__ import annotations

import json

import numpy as np
import pytest

from chainrule.statistics import (
    FreshData,
    Resplits,
    SequentialDesign,
    StatisticsError,
    compare,
    equivalence_test,
    factor_contrasts,
    factorial_effects,
    holm,
    paired_t,
)

LOOKS = SequentialDesign((5, 10, 20))
METHODS = ("pocock", "obrien-fleming", "anytime", "bonferroni")


def scores(rounds: int, gains=(0.0, 0.5, 1.5), seed: int = 3) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {arm: random.normal(gain, 1, rounds) for arm, gain in zip("abc", gains, strict=True)}


def test_holm_corrects_the_p_that_allow_for_the_looks():
    found = compare(scores(12), FreshData(), looks=LOOKS).comparisons
    assert [c.p_holm for c in found] == holm([c.p_looks for c in found])
    for c in found:
        of = scores(12)
        p = [paired_t(of[c.a][:n], of[c.b][:n]).p for n in (5, 10)]
        assert c.p_looks == LOOKS.adjust(p)[-1]


def test_rounds_after_the_last_look_are_not_used():
    assert compare(scores(12), FreshData(), looks=LOOKS) == compare(
        {arm: of[:10] for arm, of in scores(12).items()}, FreshData(), looks=LOOKS
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(20))
def test_what_a_look_finds_stays_found_and_the_interval_agrees(method, seed):
    looks, of = SequentialDesign((6, 12, 20), method), scores(20, seed=seed)
    first = {}
    for n in looks.looks:
        found = compare({arm: x[:n] for arm, x in of.items()}, FreshData(), looks=looks)
        for c in found.comparisons:
            excludes_zero = not c.simultaneous_low < 0 < c.simultaneous_high
            assert excludes_zero == (c.p_holm <= 0.05)
            if c.conclusion != "undecided":
                first.setdefault((c.a, c.b), n)
            assert c.decided_at == (first.get((c.a, c.b)) if c.conclusion != "undecided" else None)


def test_a_look_that_points_the_other_way_counts_for_nothing():
    d = np.concatenate([np.linspace(0.9, 1.1, 5), np.linspace(-6, 1, 5)])
    zeros = np.zeros(10)
    early = compare({"a": d[:5], "b": zeros[:5]}, FreshData(), looks=LOOKS).comparisons[0]
    late = compare({"a": d, "b": zeros}, FreshData(), looks=LOOKS).comparisons[0]
    assert (early.conclusion, late.conclusion) == ("better", "undecided")


def test_equivalence_allows_for_the_looks_too_and_must_hold_at_the_last():
    small, large = 0.01 * (-1.0) ** np.arange(5), 9 * (-1.0) ** np.arange(5)

    def compared(d):
        both = {"a": d, "b": np.zeros(len(d))}
        return compare(both, FreshData(), rope=0.05, looks=LOOKS).comparisons[0]

    early, late = compared(small), compared(np.concatenate([small, large]))
    p = equivalence_test(small, np.zeros(5), FreshData(), rope=0.05).p
    assert early.equivalence_p_holm == LOOKS.adjust([2 * p])[0] / 2
    assert (early.conclusion, early.decided_at) == ("equivalent", 5)
    assert (late.conclusion, late.decided_at) == ("undecided", None)


def test_the_first_look_must_be_reached():
    with pytest.raises(StatisticsError, match="the first look is at 5 rounds, got 4"):
        compare(scores(4), FreshData(), looks=LOOKS)


def test_a_study_is_settled_by_conclusions_by_futility_or_by_its_last_look():
    apart, same = np.linspace(0.9, 1.1, 20), (-1.0) ** np.arange(20)

    def compared(a, rounds):
        both = {"a": a[:rounds], "b": np.zeros(rounds)}
        return compare(both, FreshData(), looks=LOOKS)

    assert compared(apart, 5).is_settled()
    assert compared(same, 10).is_settled()
    assert not compared(same, 10).is_settled(futility=False)
    assert not compared(0.3 + same, 5).is_settled()
    assert compared(0.3 + same, 20).is_settled(futility=False)


def test_tests_without_scores_count():
    found = compare(scores(10), FreshData(), missing=4)
    assert found.family == 7
    p = [c.test.p for c in found.comparisons]
    assert [c.p_holm for c in found.comparisons] == holm([*p, 1, 1, 1, 1])[:3]


def test_the_effects_have_the_looks_and_the_family_of_the_comparisons():
    arms, random = ("none", "sharing", "aux", "both"), np.random.default_rng(0)
    factors = {a: {"s": str(i % 2), "x": str(i // 2)} for i, a in enumerate(arms)}
    of = {arm: random.normal(i, 1, 10) for i, arm in enumerate(arms)}
    pairs = [(of[arm], of["none"]) for arm in arms[1:]]
    effects = factorial_effects(of, factors, FreshData(), looks=LOOKS, others=pairs)
    table = compare(
        of, FreshData(), baseline="none", looks=LOOKS, others=factor_contrasts(of, factors)
    )
    tests = [*table.comparisons, *effects.effects]
    assert [t.p_holm for t in tests] == pytest.approx(holm([t.p_looks for t in tests]))
    assert json.loads(json.dumps(effects.as_rows(), allow_nan=False)) == effects.as_rows()


def test_a_note_says_when_it_was_looked_and_what_that_asks_of_p():
    notes = compare(scores(10), FreshData(), looks=LOOKS).notes
    (note,) = [note for note in notes if note.startswith("Looked")]
    assert note.startswith(
        "Looked at after 5, 10 rounds, of looks planned after 5, 10, 20; the level was adjusted "
        "for three looks (Pocock's, the same at each): after 10 rounds p must be at most 0.0"
    )
    assert "as one of 3 tests" in note


def test_rounds_that_share_samples_have_bonferronis_levels():
    looks = SequentialDesign((5, 10), "bonferroni")
    (c,) = compare(
        {arm: x for arm, x in scores(10).items() if arm != "c"}, Resplits.folds(5), looks=looks
    ).comparisons
    assert c.p_looks <= min(1.0, 2 * c.test.p)


def test_a_test_that_is_another_one_counts_once_whatever_the_unit():
    """Turned around too; and scores of 1e-9 are as different as those of 1."""
    for unit in (1.0, 1e-9):
        of = {arm: unit * x for arm, x in scores(6).items()}
        pairs = [(of["b"], of["a"]), (of["a"], of["b"]), (of["c"], of["a"])]
        assert compare(of, FreshData(), baseline="a", others=pairs).family == 2
        further = [*pairs, (of["c"], of["b"]), (of["b"], of["c"])]
        assert compare(of, FreshData(), baseline="a", others=further).family == 3
