"""What tables and figures share, computed once."""

from __future__ import annotations

import pytest

from chainrule.report import ReportData, render_page
from chainrule.study import StudyResult
from tests.report.conftest import declared, made, without_search


def test_a_result_is_wrapped_once(result):
    data = ReportData.wrap(result)
    assert data.result is result
    assert ReportData.wrap(data) is data


def test_the_arms_are_ranked_by_their_mean(result):
    means = [arm.mean for arm in ReportData(result).ranked_arms]
    assert means == sorted((arm.mean for arm in result.arms), reverse=True)


def test_where_less_is_better_the_least_comes_first():
    found = made(without_search(metric="loss", direction="min", failure_value=9.0), search=False)
    means = [arm.mean for arm in ReportData(found).ranked_arms]
    assert means == sorted(means)


def test_a_setting_that_was_tried_is_summarized(result):
    candidates = ReportData(result).candidates["mlp"]
    assert [round(found.mean, 3) for found in candidates] == [0.6, 0.62, 0.64, 0.62, 0.6, 0.58]
    assert [found.chosen for found in candidates] == [0, 0, 1, 0, 0, 0]


def test_without_a_search_every_arm_has_no_candidates():
    data = ReportData(made(without_search(), search=False))
    assert data.candidates == {arm.name: [] for arm in data.study.all_arms}


def test_arms_are_selected_by_a_pattern(result):
    data = ReportData(result)
    assert [arm.arm for arm in data.select_arms("*-sharing")] == ["mlp-sharing", "conv-sharing"]
    with pytest.raises(ValueError, match="no results of an arm 'x'; there are: mlp, "):
        data.select_arms("x")


def test_a_page_compares_once(monkeypatch):
    calls = []
    compare = StudyResult.compare
    monkeypatch.setattr(
        StudyResult, "compare", lambda self, **kwargs: calls.append(1) or compare(self, **kwargs)
    )
    render_page(made(declared(), rounds=3, search=False))
    assert calls == [1]
