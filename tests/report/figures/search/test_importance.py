"""What mattered in a search, as table, figure and words."""

from __future__ import annotations

import pytest

from chainrule.report import build_table, expected_validation, importances, render_page
from chainrule.report.figure_data import expected_validation_data, importances_data
from chainrule.report.sentences import budget_sentences
from chainrule.statistics import expected_best
from chainrule.study import StudyResult
from chainrule.study.search.importance import setting_importances
from tests.report.conftest import declared, made, row, without_search

ARMS = ["mlp", "mlp-sharing", "conv", "conv-sharing"]
RANDOM = {"search": {"method": "random", "candidates": 6}}


def test_importances_are_those_of_the_candidates(result):
    pytest.importorskip("optuna")
    found = importances_data(result)
    trials = [(c.setting, c.mean) for c in result.candidates("mlp")]
    wanted = setting_importances(result.study.space, trials, maximize=True)
    assert found.shares["mlp"] == wanted
    assert [*found.shares] == ARMS
    _, axes = importances(result)
    assert [label.get_text() for label in axes.get_yticklabels()] == [*found.paths]
    rows = build_table(result, "importance").rows
    assert {r["path"]: r["importance"] for r in rows if r["arm"] == "mlp"} == wanted


def test_one_path_has_no_importance():
    study = declared(space={"optimizer.lr": [0.5, 0.25]})
    rows = [
        row("mlp", "search", i, -1, 0.5, setting={"optimizer.lr": x})
        for i, x in enumerate((0.5, 0.25))
    ]
    with pytest.raises(ValueError, match="no arm has searched two settings or more"):
        build_table(StudyResult(study, rows), "importance")


def test_the_expected_best_of_a_random_search():
    result = made(declared(**RANDOM))
    values = [c.mean for c in result.candidates("conv")]
    curve = next(c for c in expected_validation_data(result).curves if c.name == "conv")
    wanted = [expected_best(values, n) for n in range(1, 7)]
    assert curve.means == pytest.approx([best.mean for best in wanted])
    assert curve.stds == pytest.approx([best.std for best in wanted])
    _, axes = expected_validation(result)
    assert axes.lines[2].get_ydata().tolist() == curve.means


def test_of_an_error_the_smallest_is_the_best():
    study = declared(**RANDOM, metric="loss", direction="min", failure_value=9.0, reported={})
    result = made(study)
    curve = expected_validation_data(result).curves[0]
    assert curve.means == sorted(curve.means, reverse=True)
    assert curve.means[-1] > min(c.mean for c in result.candidates("mlp"))
    assert all("gains 0." in sentence for sentence in budget_sentences(result))


def test_the_page_of_a_random_search_says_what_the_budget_bought():
    result = made(declared(**RANDOM))
    sentences = budget_sentences(result)
    assert len(sentences) == 4
    assert sentences[0] == (
        "Random search of mlp: the best of 3 candidates is expected to validate at 62.58 %, the "
        "best of all 6 at 63.30 %: the second half of the budget gains 0.72 points."
    )
    text = render_page(result)
    assert sentences[0] in text
    assert "Expected best validation accuracy by the number of random candidates" in text


def test_a_grid_has_no_budget(result):
    assert budget_sentences(result) == []
    with pytest.raises(ValueError, match=r"a random search alone.*'grid'"):
        expected_validation_data(result)


def test_without_a_search_nothing_mattered():
    with pytest.raises(ValueError, match="no arm has searched"):
        importances(made(without_search(), search=False))
