"""Main effects and interactions."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given

from chainrule.statistics import (
    FreshData,
    Resplits,
    StatisticsError,
    factorial_effects,
    holm,
    paired_t,
    paired_test,
)
from tests.statistics.strategies import arms

FACTORS = {
    "none": {"sharing": "no", "aux": "no"},
    "sharing": {"sharing": "yes", "aux": "no"},
    "aux": {"sharing": "no", "aux": "yes"},
    "both": {"sharing": "yes", "aux": "yes"},
}
SCORES = {"none": [70, 72, 71], "sharing": [74, 75, 74], "aux": [76, 79, 76], "both": [78, 80, 80]}


def effects(**options):
    return factorial_effects(SCORES, FACTORS, FreshData(), **options).effects


def test_by_hand():
    # sharing, round by round: ((74 − 70) + (78 − 76)) / 2 = 3, then (3 + 1) / 2 = 2, (3 + 4) / 2.
    # aux: ((76 − 70) + (78 − 74)) / 2 = 5, (7 + 5) / 2 = 6, (5 + 6) / 2 = 5.5.
    # interaction: (78 − 76) − (74 − 70) = −2, 1 − 3 = −2, 4 − 3 = 1.
    expected = [[3, 2, 3.5], [5, 6, 5.5], [-2, -2, 1]]
    for effect, d in zip(effects(), expected, strict=True):
        by_hand = paired_t(d, [0, 0, 0])
        assert effect.test.difference == pytest.approx(by_hand.difference)
        assert effect.test.t == pytest.approx(by_hand.t)
        assert effect.test.p == pytest.approx(by_hand.p)


def test_names_and_rows():
    rows = factorial_effects(SCORES, FACTORS, FreshData()).as_rows()
    assert [row["effect"] for row in rows] == [
        "sharing: yes - no",
        "aux: yes - no",
        "sharing: yes - no x aux: yes - no",
    ]
    assert [row["kind"] for row in rows] == ["main effect", "main effect", "interaction"]
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows


def test_p_is_corrected_for_all_effects():
    found = effects()
    assert [e.p_holm for e in found] == holm([e.test.p for e in found])


def test_the_interval_has_the_confidence_asked():
    assert effects(confidence=0.9)[0].test.high < effects()[0].test.high


def test_the_design_decides_the_test():
    found = factorial_effects(SCORES, FACTORS, Resplits.folds(3)).effects
    d = [3, 2, 3.5]
    assert found[0].test.p == pytest.approx(paired_test(d, [0, 0, 0], Resplits.folds(3)).p)


def test_agrees_with_statsmodels():
    # Least squares on −1, 1 codes, averaged over the rounds: a main effect is twice the
    # coefficient, the difference of differences four times that of the product.
    api = pytest.importorskip("statsmodels.api")
    codes = np.array([[1, s, a, s * a] for a in (-1, 1) for s in (-1, 1)])
    fits = [api.OLS([SCORES[arm][r] for arm in SCORES], codes).fit().params for r in range(3)]
    coefficients = np.mean(fits, axis=0)
    ours = [e.test.difference for e in effects()]
    assert ours == pytest.approx(coefficients[1:] * [2, 2, 4], rel=1e-9)


def test_three_levels_and_three_factors():
    random = np.random.default_rng(11)
    factors, scores = {}, {}
    for depth in ("1", "2", "3"):
        for sharing in ("no", "yes"):
            for aux in ("no", "yes"):
                arm = f"{depth}-{sharing}-{aux}"
                factors[arm] = {"depth": depth, "sharing": sharing, "aux": aux}
                noise = random.normal(0, 0.01, 5)
                gain = 2 * (depth == "3") + (sharing == "yes") + 4 * (depth + sharing == "2yes")
                scores[arm] = noise - noise.mean() + gain
    found = {
        e.name: e.test.difference for e in factorial_effects(scores, factors, FreshData()).effects
    }
    assert found == pytest.approx(
        {
            "depth: 2 - 1": 2,  # 4 in the half that shares
            "depth: 3 - 1": 2,
            "sharing: yes - no": 1 + 4 / 3,
            "aux: yes - no": 0,
            "depth: 2 - 1 x sharing: yes - no": 4,
            "depth: 3 - 1 x sharing: yes - no": 0,
            "depth: 2 - 1 x aux: yes - no": 0,
            "depth: 3 - 1 x aux: yes - no": 0,
            "sharing: yes - no x aux: yes - no": 0,
        },
        abs=1e-9,
    )


def test_one_factor_is_a_comparison_with_its_first_level():
    found = factorial_effects(
        {"a": [1, 2, 4], "b": [2, 2, 3]},
        {"a": {"depth": "1"}, "b": {"depth": "2"}},
        FreshData(),
    )
    (effect,) = found.effects
    assert effect.test == paired_t([2, 2, 3], [1, 2, 4])


@given(arms(how_many=4))
def test_properties(four):
    scores = dict(zip(SCORES, four, strict=True))
    swapped = {**FACTORS, "none": FACTORS["both"], "both": FACTORS["none"]}
    ours = factorial_effects(scores, FACTORS, FreshData()).effects
    theirs = factorial_effects(
        {arm: scores[arm] for arm in ("both", "sharing", "aux", "none")}, swapped, FreshData()
    ).effects
    for one, other in zip(ours, theirs, strict=True):
        assert one.test.p <= one.p_holm <= 1
        assert one.test.low <= one.test.difference <= one.test.high
        assert other.levels == one.levels
    # none and both have changed places: main effects turn about, the interaction does not
    assert theirs[2].test.difference == pytest.approx(ours[2].test.difference, abs=1e-12)


@pytest.mark.parametrize(
    ("scores", "factors", "message"),
    [
        ({}, FACTORS, "expected the levels of every arm"),
        ({**SCORES, "new": [1, 2, 3]}, FACTORS, "without: new"),
        (SCORES, {**FACTORS, "aux": {"aux": "yes"}}, "arm aux: expected the factors sharing, aux"),
        (
            SCORES,
            {**FACTORS, "aux": FACTORS["none"]},
            "arm aux: another arm has its levels, no, no",
        ),
        ({k: SCORES[k] for k in ("none", "both")}, FACTORS, r"no arm has \('no', 'yes'\)"),
        ({**SCORES, "aux": [1, 2]}, FACTORS, "as many scores of every arm"),
        ({**SCORES, "aux": [1]}, FACTORS, "arm aux: expected a list of at least 2"),
        ({"aux": [1, 2]}, FACTORS, "nothing varies"),
    ],
)
def test_wrong_calls(scores, factors, message):
    with pytest.raises(StatisticsError, match=message):
        factorial_effects(scores, factors, FreshData())
