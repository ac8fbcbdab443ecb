"""Arms by mean rank."""

from __future__ import annotations

from chainrule.report import (
    critical_differences,
)
from chainrule.statistics import rank_arms
from tests.report.figures.readback import draw_png


def test_ranks_have_a_bar_a_clique_and_every_name():
    scores = {"a": [0.9] * 9, "b": [0.5, 0.6] * 4 + [0.6], "c": [0.6, 0.5] * 4 + [0.5]}
    ranking = rank_arms(scores)
    figure, axes = critical_differences(ranking)
    bars = [line for line in axes.lines if line.get_linewidth() == 4]
    assert len(bars) == len(ranking.cliques) == 1
    assert {text.get_text().split()[0] for text in axes.texts} >= {"a", "mean", "1"}
    assert draw_png(figure)


def test_too_few_data_sets_are_said():
    ranking = rank_arms({"a": [0.9, 0.8], "b": [0.5, 0.6], "c": [0.4, 0.5]})
    figure, _ = critical_differences(ranking)
    assert figure.get_supxlabel() == ranking.note
    assert draw_png(figure)
