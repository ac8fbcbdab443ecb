"""Learning curves, as numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from chainrule.report.figure_data import curve_grid_data, curves_data, learning_curves_data
from chainrule.report.figure_data.curves import (
    CurvesData,
    ValueScale,
    curve_rows,
    summarize_curve,
)
from chainrule.report.numbers import PLAIN
from chainrule.study import StudyResult
from chainrule.train import History
from tests.report.conftest import final_rows, without_search


def test_the_data_of_the_curves_say_over_how_many_rounds(result):
    rows = curve_rows(result)
    assert {r["n"] for r in rows if r["arm"] == "conv-sharing"} == {7}
    assert {r["n"] for r in rows if r["arm"] == "conv"} == {8}
    assert len(rows) == 4 * 4 * 5


def test_a_curve_is_the_mean_and_std_over_the_rounds(result):
    curve = curves_data(result, "test_accuracy", "mlp").curves[0]
    values = np.array([row.curves["test_accuracy"] for row in result.arms[0].rows])
    assert curve.means == pytest.approx(values.mean(0))
    assert curve.stds == pytest.approx(values.std(0, ddof=1))
    assert (curve.name, curve.n, curve.n_diverged) == ("mlp", 8, 0)


def test_a_round_that_diverged_is_left_out_and_counted(result):
    curve = curves_data(result).curves[-1]
    assert (curve.n, curve.n_diverged, curve.label) == (7, 1, "conv-sharing (1 diverged)")


def test_rounds_of_different_lengths_are_cut_to_the_shortest():
    study = without_search()
    rows = final_rows(study, 2)
    rows[0] = replace(rows[0], curves={"test_loss": [3.0, 2.0, 1.5]})
    assert len(curves_data(StudyResult(study, rows), arms="mlp").curves[0].means) == 3


@pytest.mark.parametrize("replicas", [None, 1])
def test_a_single_training_has_no_std(replicas):
    history = History(replicas)
    history.add({"test_loss": torch.full((replicas,) if replicas else (), 3.0)})
    curve = learning_curves_data({"a": history}).curves[0]
    assert (curve.means, curve.stds, curve.n) == ([3.0], None, 1)


def curve_of(*values):
    """The summary of trainings with these values."""
    return summarize_curve("a", np.array(values))


def test_epochs_without_an_evaluation_are_left_out():
    curve = curve_of([np.nan, 3.0, np.nan, 1.0], [np.nan, 5.0, np.nan, 3.0])
    assert (curve.epochs, curve.means, curve.n_diverged) == ([2, 4], [4.0, 2.0], 0)


def test_one_that_diverged_between_evaluations_is_left_out_and_counted():
    curve = curve_of([np.nan, 3.0, np.nan, np.nan], [np.nan, 5.0, np.nan, 3.0])
    assert (curve.epochs, curve.means, curve.n_diverged) == ([2, 4], [5.0, 3.0], 1)


def test_of_one_that_diverged_alone_nothing_is_known():
    curve = curve_of([4.0, np.nan, np.nan])
    assert (curve.epochs, curve.n, curve.n_diverged) == ([1, 2, 3], 0, 1)
    assert np.isnan(curve.means).all()


def test_a_panel_has_the_sides_of_a_kind(result):
    data = curve_grid_data(result, "mlp*")
    assert data.kinds == ["loss", "accuracy"]
    assert [[(p.arm, p.kind) for p in panels] for panels in data.panels] == [
        [("mlp", "loss"), ("mlp", "accuracy")],
        [("mlp-sharing", "loss"), ("mlp-sharing", "accuracy")],
    ]
    assert [curve.name for curve in data.panels[0][0].curves] == ["train", "test"]


def losses(*tops):
    """A curve an arm, from a top down to 0.5."""
    curves = [replace(curve_of([top, 0.5]), name=f"a{i}") for i, top in enumerate(tops)]
    return CurvesData("test_loss", PLAIN, "rounds", curves)


@pytest.mark.parametrize("top", [9.0, 1e9])
def test_a_curve_far_above_the_others_does_not_flatten_them(top):
    data = losses(1.0, 1.2, 1.1, top, 0.9)
    assert data.scale == ValueScale(is_log=False, ceiling=1.2)
    assert data.scale.find_limits(data.curves)[1] == pytest.approx(1.2 + 0.06 * 0.7)
    assert data.scale.describe_ceiling(data.curves) == "Above what is shown: a3"


@pytest.mark.parametrize("tops", [(1.0, 1.1, 9.0), (1.0, 2.0, 3.0, 4.0), (1.0, 1.1, 8.0, 9.0)])
def test_where_few_or_many_are_above_all_are_shown(tops):
    data = losses(*tops)
    assert data.scale == ValueScale()
    assert data.scale.describe_ceiling(data.curves) == ""


def test_several_above_are_counted():
    data = losses(*[1.0] * 12, 50.0, 60.0, 70.0)
    assert data.scale.describe_ceiling(data.curves) == "Above what is shown: a12 and 2 others"


def test_powers_of_the_many_keep_a_logarithmic_scale():
    data = losses(100.0, 110.0, 120.0, 1e30)
    assert data.scale == ValueScale(is_log=True, ceiling=120.0)


def test_an_accuracy_is_shown_whole():
    data = replace(losses(1.0, 1.2, 1.1, 9.0), quantity="test_accuracy")
    assert data.scale == ValueScale()
