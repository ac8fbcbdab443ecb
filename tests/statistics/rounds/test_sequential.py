"""Looks at a running study."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from chainrule.statistics import (
    SequentialDesign,
    StatisticsError,
    e_value,
    paired_t,
    t_test_power,
)

ZEROS = np.zeros(40)


@pytest.mark.parametrize(
    ("method", "table"),
    [("pocock", [0.0221, 0.0221, 0.0221]), ("obrien-fleming", [0.0005, 0.0141, 0.0451])],
)
def test_with_many_rounds_the_levels_are_those_of_the_tables(method, table):
    # Jennison and Turnbull (2000), tables 2.1 and 2.3: three looks at 0.05.
    levels = SequentialDesign((1000, 2000, 3000), method).levels
    assert levels == pytest.approx(table, abs=0.0008)


def test_few_rounds_have_stricter_levels():
    assert SequentialDesign((5, 10, 20)).levels == pytest.approx((0.0196,) * 3, abs=0.0008)


def test_one_look_has_the_whole_level():
    for method in ("pocock", "obrien-fleming"):
        assert SequentialDesign([8], method).levels == pytest.approx((0.05,), abs=0.002)


def test_comparisons_share_the_level():
    (alone,), (shared,) = (SequentialDesign([8], comparisons=m).levels for m in (1, 5))
    assert shared == pytest.approx(alone / 5, rel=0.1)


def test_the_e_value_is_the_likelihood_of_t_under_effects_over_that_under_none():
    # Noncentral t, averaged over normal effects by Gauss and Hermite.
    a = np.random.default_rng(0).normal(0.4, 1, 8)
    t = paired_t(a, np.zeros(8)).t
    points, weights = np.polynomial.hermite_e.hermegauss(60)
    mixed = weights @ stats.nct.pdf(t, 7, np.sqrt(8) * points) / math.sqrt(2 * math.pi)
    assert e_value(a, np.zeros(8)) == pytest.approx(mixed / stats.t.pdf(t, 7), rel=1e-6)


def test_the_anytime_level_is_where_the_e_value_is_20():
    (level,) = SequentialDesign([12], "anytime").levels
    a = np.random.default_rng(1).normal(0, 1, 12)
    t = stats.t(11).isf(level / 2)
    a += t * np.std(a, ddof=1) / math.sqrt(12) - a.mean()
    assert e_value(a, np.zeros(12)) == pytest.approx(20)


def test_too_few_rounds_never_reach_20():
    assert SequentialDesign([2, 3], "anytime").levels[0] == 0
    assert SequentialDesign([2], "anytime").decide([1, 2], [0, 0]).verdict == "undecided"


@pytest.mark.parametrize(
    ("a", "verdict", "n"),
    [
        (np.linspace(0.9, 1.1, 20), "better", 5),
        (-np.linspace(0.9, 1.1, 20), "worse", 5),
        (0.01 * (-1.0) ** np.arange(20), "equivalent", 5),
        ((-1.0) ** np.arange(10), "futile", 10),
        (1 + 2 * (-1.0) ** np.arange(11), "continue", 10),
        (0.7 + 2 * (-1.0) ** np.arange(20), "undecided", 20),
    ],
)
def test_the_first_look_that_decides_is_the_decision(a, verdict, n):
    decision = SequentialDesign((5, 10, 20)).decide(a, np.zeros(len(a)), rope=0.2)
    assert (decision.verdict, decision.n) == (verdict, n)
    assert decision.looks == 3


def test_a_look_has_the_test_of_its_rounds_and_the_interval_of_its_level():
    a = np.random.default_rng(2).normal(0.2, 1, 12)
    design = SequentialDesign((5, 10, 20))
    decision = design.decide(a, ZEROS[:12])
    test = paired_t(a[:10], ZEROS[:10], confidence=1 - design.levels[1])
    assert (decision.look, decision.n, decision.p) == (2, 10, test.p)
    assert (decision.low, decision.high) == (test.low, test.high)
    assert json.loads(json.dumps(decision.as_row(), allow_nan=False)) == decision.as_row()


def test_wrong_calls():
    for looks in ([], [1, 5], [5, 5], [5, 3]):
        with pytest.raises(
            StatisticsError, match="looks: expected whole numbers in ascending order from 2"
        ):
            SequentialDesign(looks)
    with pytest.raises(StatisticsError, match="method: expected one of pocock"):
        SequentialDesign([5], "pocok")
    with pytest.raises(StatisticsError, match="comparisons: expected a whole number, 1 or more"):
        SequentialDesign([5], comparisons=0)
    with pytest.raises(StatisticsError, match="the first look is at 5 rounds, got 2"):
        SequentialDesign([5]).decide([1, 2], [0, 0])
    with pytest.raises(StatisticsError, match="rope: expected a number above 0"):
        SequentialDesign([2]).decide([1, 2], [0, 0], rope=0)
    with pytest.raises(StatisticsError, match="for each of up to 1 look,"):
        SequentialDesign([5]).adjust([0.1, 0.2])
    with pytest.raises(StatisticsError, match="effect: expected a finite number"):
        SequentialDesign([5]).power(math.inf)
    with pytest.raises(StatisticsError, match="g: expected a number above 0"):
        e_value([1, 2], [0, 0], g=0)


METHODS = ("pocock", "obrien-fleming", "anytime", "bonferroni")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 3, 0.05 / 200])
def test_the_adjusted_p_is_alpha_where_p_is_at_the_level(method, alpha):
    design = SequentialDesign((6, 12, 20), method, alpha)
    for k, level in enumerate(design.levels):
        if not level:  # so few rounds never reject
            continue
        p = [*[1.0] * k, level]
        assert design.adjust(p)[-1] == pytest.approx(alpha, rel=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_the_adjusted_p_is_no_less_than_p_and_never_grows_from_look_to_look(method):
    design = SequentialDesign((5, 10, 20, 40), method)
    for p in np.random.default_rng(6).uniform(size=(50, 4)) ** 4:
        adjusted = design.adjust(p)
        assert all(np.diff(adjusted) <= 0)
        assert adjusted[-1] >= min(p)
    assert all(np.diff([design.adjust([x])[0] for x in np.logspace(-300, 0, 500)]) >= -1e-12)


def test_one_look_adjusts_nothing():
    for method in ("pocock", "obrien-fleming", "bonferroni"):
        assert SequentialDesign([8], method).adjust([0.03]) == pytest.approx([0.03], abs=0.001)


def test_the_adjusted_p_of_any_number_of_looks_is_that_of_the_e_value():
    a = np.random.default_rng(2).normal(0.9, 1, 12)
    (p,) = SequentialDesign([12], "anytime").adjust([paired_t(a, ZEROS[:12]).p])
    assert p == pytest.approx(1 / e_value(a, ZEROS[:12]))


def test_with_a_rope_a_look_is_not_futile_where_equivalence_may_be_shown():
    a = 0.3 * (-1.0) ** np.arange(10)
    design = SequentialDesign((10, 40))
    assert design.decide(a, ZEROS[:10]).verdict == "futile"
    assert design.decide(a, ZEROS[:10], rope=0.2).verdict == "continue"
    assert design.decide(a, ZEROS[:10], rope=0.05).verdict == "futile"


def test_the_power_of_one_look_is_that_of_the_t_test():
    found, rounds = SequentialDesign([10]).power(1.0)
    assert found == pytest.approx(t_test_power(10, 1.0), abs=0.01)
    assert rounds == 10


def test_looks_save_rounds_where_there_is_a_difference_and_none_where_not():
    design = SequentialDesign((5, 10, 20, 40))
    found, rounds = design.power(1.0)
    assert found > 0.99
    assert 12 < rounds < 16
    assert design.power(0.0) == (pytest.approx(0.05, abs=0.004), pytest.approx(39.0, abs=0.5))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "looks", "least", "most"),
    [
        ("pocock", (5, 10, 20), 0.04, 0.06),
        ("obrien-fleming", (5, 10, 20), 0.04, 0.06),
        ("pocock", (3, 4, 5, 6, 8, 10), 0.04, 0.06),
        ("anytime", tuple(range(3, 31)), 0.0, 0.05),
    ],
)
def test_equal_arms_are_called_different_at_any_look_in_5_percent(method, looks, least, most):
    design = SequentialDesign(looks, method)
    scores = np.random.default_rng(3).normal(size=(2000, looks[-1]))
    verdicts = [design.decide(a, ZEROS[: looks[-1]]).verdict for a in scores]
    assert least <= np.mean([v in ("better", "worse") for v in verdicts]) <= most


@pytest.mark.slow
def test_arms_apart_by_the_rope_are_seldom_called_equivalent_at_any_look():
    design = SequentialDesign((5, 10, 20, 40))
    scores = np.random.default_rng(4).normal(0.5, 1, (2000, 40))
    verdicts = [design.decide(a, ZEROS, rope=0.5).verdict for a in scores]
    assert np.mean([v == "equivalent" for v in verdicts]) <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "power", "rounds"),
    [("pocock", 1.0, 14), ("obrien-fleming", 1.0, 22), ("anytime", 0.996, 20)],
)
def test_looks_save_rounds_of_forty(method, power, rounds):
    design = SequentialDesign((5, 10, 20, 40), method)
    decided = [design.decide(a, ZEROS) for a in np.random.default_rng(5).normal(1, 1, (1000, 40))]
    assert np.mean([d.verdict == "better" for d in decided]) == pytest.approx(power, abs=0.01)
    assert np.mean([d.n for d in decided]) == pytest.approx(rounds, abs=1)
