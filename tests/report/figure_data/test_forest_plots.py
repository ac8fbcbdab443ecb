"""Differences with their intervals, as numbers."""

from __future__ import annotations

from chainrule.report.figure_data import differences_data, effect_sizes_data


def test_a_difference_has_its_interval_in_the_metrics_own_scale(result):
    comparison = result.compare().comparisons[0]
    line = differences_data(result).lines[0]
    test = comparison.test
    assert (line.name, line.plain_low, line.difference, line.plain_high) == (
        "mlp-sharing",
        test.low,
        test.difference,
        test.high,
    )
    assert (line.low, line.high) == (comparison.simultaneous_low, comparison.simultaneous_high)
    assert line.p == comparison.p_holm


def test_significant_is_what_holm_rejects_and_the_interval_excludes(result):
    for data in (differences_data(result), effect_sizes_data(result)):
        for line in data.lines:
            assert line.significant == (line.p <= 0.05) == (not line.low < 0 < line.high)
    lines = differences_data(result).lines
    assert {line.significant for line in lines} == {True, False}


def test_the_label_names_the_baseline_the_unit_and_the_interval(result):
    data = differences_data(result)
    assert data.label == (
        "difference from mlp, points with its 95% interval, thick by itself, thin for all 6 tests"
    )


def test_all_pairs_are_named(result):
    data = differences_data(result, result.compare(all_pairs=True))
    assert data.lines[0].name == "mlp − mlp-sharing"
    assert data.label.startswith("difference from b")


def test_effects_are_in_their_order(result):
    names = [effect.name for effect in result.effects().effects]
    assert [line.name for line in effect_sizes_data(result).lines] == names
