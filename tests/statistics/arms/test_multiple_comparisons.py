"""Several arms, with Holm's correction."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from hypothesis import given

from chainrule.statistics import (
    FixedSplit,
    FreshData,
    Resplits,
    StatisticsError,
    compare,
    correlated_t,
    d_z,
    holm,
    nadeau_bengio,
    paired_t,
    sign_flip,
    wilcoxon,
)
from chainrule.statistics.arms.family import simultaneous_interval
from tests.statistics.strategies import PROBABILITIES, arms
from tests.test_import import min_of

RANDOM = np.random.default_rng(12)
SCORES = {
    arm: (0.8 + gain + RANDOM.normal(0, 0.02, 10)).tolist()
    for arm, gain in [("mlp", 0.0), ("conv", 0.02), ("sharing", 0.03), ("aux", 0.1)]
}


def test_holm_by_hand():
    # Sorted 0.01, 0.02, 0.03, 0.6: times 4, 3, 2, 1 is 0.04, 0.06, 0.06, 0.6.
    assert holm([0.03, 0.01, 0.6, 0.02]) == pytest.approx([0.06, 0.04, 0.6, 0.06])
    # 0.02 · 3 = 0.06, then 0.025 · 2 = 0.05, raised to 0.06; 0.9.
    assert holm([0.02, 0.025, 0.9]) == pytest.approx([0.06, 0.06, 0.9])


def test_holm_agrees_with_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    for m in (1, 2, 7, 40):
        p = np.random.default_rng(m).uniform(0, 0.3, m)
        assert holm(p) == pytest.approx(multitest.multipletests(p, method="holm")[1], rel=1e-9)


@given(PROBABILITIES)
def test_holm_properties(p):
    adjusted = holm(p)
    assert all(0 <= one <= both <= 1 for one, both in zip(p, adjusted, strict=True))
    assert all(both <= min(1, len(p) * one) for one, both in zip(p, adjusted, strict=True))
    order = np.argsort(p, kind="stable")
    assert np.all(np.diff(np.array(adjusted)[order]) >= 0)
    assert holm(p[::-1]) == adjusted[::-1]


@pytest.mark.parametrize("p", [[], [0.1, 1.1], [-0.1], [float("nan")]])
def test_holm_of_what_is_no_p(p):
    with pytest.raises(StatisticsError, match="p"):
        holm(p)


def test_each_arm_against_the_baseline():
    table = compare(SCORES, FreshData(), baseline="mlp", rope=0.005)
    assert [(c.a, c.b) for c in table.comparisons] == [
        ("conv", "mlp"),
        ("sharing", "mlp"),
        ("aux", "mlp"),
    ]
    conv = table.comparisons[0]
    assert conv.test == paired_t(SCORES["conv"], SCORES["mlp"])
    assert conv.d_z == d_z(SCORES["conv"], SCORES["mlp"])
    assert conv.posterior == correlated_t(SCORES["conv"], SCORES["mlp"], FreshData(), rope=0.005)
    assert conv.wilcoxon == wilcoxon(SCORES["conv"], SCORES["mlp"])
    assert conv.sign_flip == sign_flip(SCORES["conv"], SCORES["mlp"])


@pytest.mark.parametrize("column", ["p", "wilcoxon_p", "sign_flip_p"])
def test_each_test_is_corrected_by_itself(column):
    rows = compare(SCORES, FreshData()).as_rows()
    corrected = [row["p_holm" if column == "p" else f"{column}_holm"] for row in rows]
    assert corrected == holm([row[column] for row in rows])


def test_all_pairs_without_a_baseline():
    table = compare(SCORES, FreshData())
    assert len(table.comparisons) == 6
    assert (table.comparisons[0].a, table.comparisons[0].b) == ("mlp", "conv")
    assert table.baseline is None
    assert table.comparisons[0].posterior is None


def test_correlated_rounds_get_no_test_that_needs_independent_ones():
    (one,) = compare({"a": SCORES["aux"], "b": SCORES["mlp"]}, Resplits.folds(10)).comparisons
    assert one.test == nadeau_bengio(SCORES["aux"], SCORES["mlp"], test_over_train=1 / 9)
    assert one.superiority is one.wilcoxon is one.sign_flip is None
    row = one.as_row()
    assert row["wilcoxon_p"] is row["wilcoxon_p_holm"] is row["p_superior"] is None


@pytest.mark.parametrize("design", [FreshData(), FixedSplit(), Resplits.folds(5)])
def test_the_notes_say_what_the_test_is_about(design):
    notes = compare(SCORES, design, confidence=0.9).notes
    assert len(notes) == 2
    assert notes[0] == f"n = 10 rounds. {design.scope}"
    assert notes[1] == (
        "An interval holds at 90% by itself, a simultaneous one for all 6 tests at once: it "
        "excludes 0 where p after Holm's correction is at most 0.1."
    )


def test_a_note_where_rounds_are_too_few():
    five = {arm: values[:5] for arm, values in SCORES.items()}
    assert "They need 8 rounds." in compare(five, FreshData()).notes[2]
    assert "They need 7 rounds." in compare(five, FreshData(), baseline="mlp").notes[2]
    for design in (FreshData(), Resplits.folds(5)):
        assert compare(five, design).notes[-1].startswith("Fewer than 6 rounds: the t test rests")


def test_a_note_where_a_difference_is_always_the_same():
    table = compare({"a": [0.5, 0.6], "b": [0.4, 0.5], "c": [0.1, 0.6]}, FreshData())
    (note,) = (x for x in table.notes if "A spread of 0 is not certainty" in x)
    assert note.startswith("The difference is the same in every round (a - b). ")
    assert table.comparisons[0].test.p == 0.5


def test_one_comparison_needs_no_word_on_several():
    notes = compare({"a": SCORES["aux"], "b": SCORES["mlp"]}, FreshData()).notes
    assert len(notes) == 1


def test_rows_are_json():
    equal = {"a": [0.5, 0.6], "b": [0.4, 0.5], "c": [0.5, 0.6]}
    for design in (FreshData(), Resplits.folds(2)):
        rows = compare(equal, design, rope=0.01).as_rows()
        assert json.loads(json.dumps(rows, allow_nan=False)) == rows
        assert rows[0]["t"] is None
        assert rows[0]["d_z"] is None
        assert rows[0]["p"] > 0


def test_a_pair_is_the_same_whatever_other_arms_there_are():
    long = {arm: values * 5 for arm, values in SCORES.items()}
    alone = compare({arm: long[arm] for arm in ("mlp", "conv")}, FreshData(), seed=5)
    among = compare(long, FreshData(), seed=5)
    assert alone.comparisons[0].sign_flip == among.comparisons[0].sign_flip
    assert alone.comparisons[0].sign_flip.draws == 100_000


@given(arms(how_many=3))
def test_a_simultaneous_interval_agrees_with_the_corrected_p(three):
    for design in (FreshData(), Resplits.folds(4)):
        for c in compare(dict(zip("abc", three, strict=True)), design).comparisons:
            if abs(c.p_holm - 0.05) > 1e-9 and c.test.standard_error:
                holds_zero = c.simultaneous_low < 0 < c.simultaneous_high
                assert holds_zero == (c.p_holm > 0.05)


def test_a_simultaneous_interval_is_bonferroni_s():
    pair = compare(SCORES, FreshData(), baseline="mlp").comparisons[0]
    plain = paired_t(SCORES["conv"], SCORES["mlp"], confidence=1 - 0.05 / 3)
    assert pair.simultaneous_high == pytest.approx(plain.high)
    assert pair.simultaneous_low == pytest.approx(plain.low if pair.p_holm > 0.05 else 0, abs=0.02)


def test_an_interval_that_holm_rejects_is_cut_at_zero():
    test = paired_t([1.0, 2.0, 3.0, 2.5], [0, 0, 0, 0])
    assert simultaneous_interval(test, 0.04, 40)[0] == 0
    assert simultaneous_interval(test, 0.06, 40)[0] < 0
    turned = paired_t([0, 0, 0, 0], [1.0, 2.0, 3.0, 2.5])
    assert simultaneous_interval(turned, 0.04, 40)[1] == 0


@given(arms(how_many=3))
def test_properties(three):
    scores = dict(zip("abc", three, strict=True))
    for comparison in compare(scores, Resplits.folds(4)).comparisons:
        assert comparison.test.p <= comparison.p_holm <= 1


@pytest.mark.parametrize(
    ("scores", "baseline", "message"),
    [
        ({}, None, "at least two arms, got none"),
        ({"a": [1, 2]}, None, "at least two arms, got a"),
        ({"a": [1, 2], "b": [1, 2]}, "c", "no arm is named 'c', the baseline; arms: a, b"),
        ({"a": [1, 2], "b": [1, 2, 3]}, None, "got a 2, b 3"),
        ({"a": [1, float("nan")], "b": [1, 2]}, None, "arm a: score 1 is nan"),
    ],
)
def test_wrong_calls(scores, baseline, message):
    with pytest.raises(StatisticsError, match=message):
        compare(scores, FreshData(), baseline=baseline)


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [20, 30])
def test_all_pairs_of_16_arms_are_compared_at_once(rounds):
    """In processor seconds, the least of a few: `chainrule compare --all-pairs` is to take 0.5."""
    drawn = np.random.default_rng(rounds).normal(0.7, 0.03, (16, rounds))
    scores = {f"arm-{i}": values for i, values in enumerate(drawn)}

    def measure() -> float:
        start = time.process_time()
        assert len(compare(scores, FreshData(), rope=0.01).comparisons) == 120
        return time.process_time() - start

    assert min_of(measure, enough=0.4) < 0.4
