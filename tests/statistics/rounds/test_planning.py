"""Planned rounds and the smallest effect that shows."""

from __future__ import annotations

import json
import math

import pytest

from chainrule.statistics import (
    FreshData,
    Resplits,
    StatisticsError,
    detectable_effect,
    paired_t,
    paired_test,
    plan_rounds,
    sensitivity,
    t_test_power,
)


@pytest.mark.parametrize("n", [2, 5, 12, 25])
@pytest.mark.parametrize("effect", [-0.5, 0.1, 1.0])
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 120])
def test_power_agrees_with_statsmodels(n, effect, alpha):
    theirs = pytest.importorskip("statsmodels.stats.power").TTestPower().power(effect, n, alpha)
    assert t_test_power(n, effect, alpha=alpha) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize(
    ("effect", "comparisons", "at_80", "at_90"),
    [
        (1, 1, 10, 13),
        (1, 3, 14, 17),
        (1, 15, 19, 23),
        (1, 120, 26, 30),
        (0.5, 1, 34, 44),
        (0.5, 3, 45, 57),
        (0.5, 15, 62, 76),
        (0.5, 120, 83, 99),
    ],
)
def test_planned_rounds(effect, comparisons, at_80, at_90):
    assert plan_rounds(effect, comparisons=comparisons) == at_80
    assert plan_rounds(effect, comparisons=comparisons, power=0.9) == at_90


def test_a_large_effect_needs_two_rounds_and_a_small_one_is_never_found():
    assert plan_rounds(1000) == 2
    assert plan_rounds(1e-6) is None


@pytest.mark.parametrize(("effect", "comparisons"), [(0.01, 1), (0.3, 15), (2, 120), (30, 1)])
@pytest.mark.parametrize("design", [FreshData(), Resplits(300, 70_000)])
def test_one_round_less_would_not_suffice(effect, comparisons, design):
    n = plan_rounds(effect, comparisons=comparisons, design=design)
    if n is None:
        assert effect < 0.1
        return
    at_n, before = (
        t_test_power(m, effect, comparisons=comparisons, design=design) for m in (n, max(n - 1, 2))
    )
    assert at_n >= 0.8
    assert n == 2 or before < 0.8


def test_as_many_rounds_as_can_be_are_looked_through():
    assert plan_rounds(0.0093, power=0.835) == 99_538
    assert plan_rounds(0.0093, power=0.84) is None


def test_resplits_need_more_rounds_or_cannot_suffice():
    # Ten folds repeated are worth at most 9 independent rounds, whose power is lower still.
    fresh, folds = plan_rounds(2), plan_rounds(2, design=Resplits.folds(10))
    assert fresh < folds
    assert plan_rounds(0.5, design=Resplits.folds(10)) is None


@pytest.mark.parametrize("design", [FreshData(), Resplits(300, 700)])
@pytest.mark.parametrize(("n", "comparisons"), [(2, 120), (5, 1), (30, 3)])
def test_the_detectable_effect_is_found_with_the_power_asked(n, comparisons, design):
    effect = detectable_effect(n, power=0.9, comparisons=comparisons, design=design)
    found = t_test_power(n, effect, comparisons=comparisons, design=design)
    assert found == pytest.approx(0.9)


def test_sensitivity_is_in_the_unit_of_the_metric():
    # Differences 1, 2, 3: s = 1.
    test = paired_t([2, 4, 6], [1, 2, 3])
    result = sensitivity(test, FreshData(), comparisons=3, wanted=0.5)
    assert result.d_z == pytest.approx(detectable_effect(3, comparisons=3))
    assert result.difference == pytest.approx(result.d_z)
    assert result.rounds_needed == 45


def test_sensitivity_undoes_the_correction_of_the_design():
    design = Resplits(300, 700)
    test = paired_test([2, 4, 6], [1, 2, 3], design)
    result = sensitivity(test, design)
    assert result.difference == pytest.approx(detectable_effect(3, design=design))


def test_without_spread_no_rounds_are_planned():
    result = sensitivity(paired_t([2, 3], [1, 2]), FreshData(), wanted=0.5)
    assert (result.difference, result.rounds_needed) == (0, None)
    assert json.loads(json.dumps(result.as_row(), allow_nan=False)) == result.as_row()


def test_an_effect_beyond_all_bounds_is_found():
    assert t_test_power(5, 1e300) == t_test_power(10, 1e10) == 1
    assert plan_rounds(1e10) == 2


def test_two_rounds_find_at_a_tiny_level_only_what_is_enormous():
    """T exceeds c as often as δ exceeds c |Z|, where δ is large: P(|Z| < δ / c) = 0.8."""
    critical = 2 * 1e8 / 0.05 / math.pi  # Cauchy's
    effect = detectable_effect(2, comparisons=10**8)
    assert effect * math.sqrt(2) == pytest.approx(critical * 1.2815515655, rel=1e-4)


def test_wrong_calls():
    for n, comparisons, alpha, wrong in (
        (1, 1, 0.05, "n: expected a whole number, 2 or more, got 1"),
        (5, 0, 0.05, "comparisons: expected a whole number, 1 or more, got 0"),
        (5, 1, 0, "alpha: expected a number between 0 and 1, got 0"),
    ):
        with pytest.raises(StatisticsError, match=wrong):
            t_test_power(n, 1, comparisons=comparisons, alpha=alpha)
    with pytest.raises(StatisticsError, match="effect: expected a finite number, got inf"):
        t_test_power(5, math.inf)
    with pytest.raises(StatisticsError, match="effect: expected another number than 0"):
        plan_rounds(0)
    with pytest.raises(StatisticsError, match="comparisons: expected a whole number, 1 or more"):
        plan_rounds(1, comparisons=0)
    with pytest.raises(StatisticsError, match="power: expected a number between alpha and 1, got"):
        detectable_effect(5, power=0.01)
    with pytest.raises(StatisticsError, match="wanted: expected a number above 0, got -1"):
        sensitivity(paired_t([1, 2], [1, 4]), FreshData(), wanted=-1)
