"""Learning curves of trainings, and of the arms of a study."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from chainrule.report import (
    curves,
    learning_curves,
)
from chainrule.train import History

NAN = float("nan")


def history(*epochs, replicas: int | None = None, name: str = "test_loss") -> History:
    made = History(replicas)
    for values in epochs:
        made.add({name: torch.tensor(values, dtype=torch.float64)})
    return made


THREE = history([3.0, 4.0, 5.0], [1.0, 2.0, 6.0], replicas=3)


def bands(axes: Axes) -> list[PolyCollection]:
    return [c for c in axes.collections if isinstance(c, PolyCollection)]


def test_the_figure_and_its_axes_come_back():
    figure, axes = learning_curves({"a": THREE})
    assert isinstance(figure, Figure)
    assert figure.axes == [axes]


def test_a_line_is_the_mean_over_the_replicas():
    _, axes = learning_curves({"a": THREE})
    (line,) = axes.lines
    assert line.get_xdata().tolist() == [1, 2]
    assert line.get_ydata().tolist() == [4, 3]


def test_the_band_is_one_standard_deviation_on_each_side():
    _, axes = learning_curves({"a": THREE})
    (band,) = bands(axes)
    x, y = band.get_paths()[0].vertices.T
    spread = np.std([1.0, 2.0, 6.0], ddof=1)
    assert sorted(set(y[x == 1])) == pytest.approx([3, 5])
    assert sorted(set(y[x == 2])) == pytest.approx([3 - spread, 3 + spread])


@pytest.mark.parametrize(
    "alone", [history(3.0, 1.0), history([3.0], [1.0], replicas=1)], ids=["plain", "one"]
)
def test_one_replica_has_no_band(alone):
    _, axes = learning_curves({"a": alone})
    assert not bands(axes)
    assert axes.lines[0].get_ydata().tolist() == [3, 1]


def labels(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_a_line_a_history_under_its_name():
    _, axes = learning_curves({"mlp": THREE, "cnn": history(3.0, 1.0)})
    assert labels(axes) == ["mlp", "cnn"]
    assert len(axes.lines) == 2
    assert len({line.get_color() for line in axes.lines}) == 2


def test_what_diverged_is_left_out_and_counted():
    sick = history([3.0, 4.0, 9.0, 9.0], [1.0, 2.0, NAN, NAN], replicas=4)
    _, axes = learning_curves({"a": sick})
    assert axes.lines[0].get_ydata().tolist() == [3.5, 1.5]
    assert labels(axes) == ["a (2 diverged)"]


def test_one_that_is_left_has_no_band():
    _, axes = learning_curves({"a": history([3.0, NAN], [1.0, NAN], replicas=2)})
    assert not bands(axes)
    assert labels(axes) == ["a (1 diverged)"]


@pytest.mark.parametrize("sick", [history([NAN, NAN], replicas=2), history(NAN)])
def test_where_all_diverged_the_label_stays(sick):
    _, axes = learning_curves({"a": sick, "b": THREE})
    assert np.isnan(axes.lines[0].get_ydata()).all()
    assert labels(axes)[0].startswith("a (")


def test_the_curve_is_chosen_by_its_name():
    _, axes = learning_curves({"a": history(0.5, name="test_accuracy")}, "test_accuracy")
    assert axes.get_ylabel() == "test accuracy"
    assert axes.get_xlabel() == "epoch"


def test_a_curve_that_is_not_there():
    with pytest.raises(KeyError, match="no curve 'loss'"):
        learning_curves({"a": THREE}, "loss")


def test_it_can_be_drawn():
    figure, _ = learning_curves({"a": THREE})
    file = io.BytesIO()
    figure.savefig(file)
    assert file.getvalue().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("last", "scale"), [(0.001, "log"), (0.5, "linear"), (0.0, "linear"), (-1.0, "linear")]
)
def test_a_loss_that_spans_two_powers_of_ten_is_on_a_logarithmic_axis(last, scale):
    _, axes = learning_curves({"a": history(1.0, last)})
    assert axes.get_yscale() == scale
    _, axes = learning_curves({"a": history(1.0, last, name="test_accuracy")}, "test_accuracy")
    assert axes.get_yscale() == "linear"


def test_a_line_an_arm_in_a_band(result):
    _, axes = curves(result, "test_accuracy")
    assert len(axes.lines) == 4
    assert sum(isinstance(c, PolyCollection) for c in axes.collections) == 4
    mean = np.mean([r.curves["test_accuracy"][-1] for r in result.arms[0].rows])
    assert axes.lines[0].get_ydata()[-1] == pytest.approx(mean)


def test_a_diverged_round_is_left_out_of_the_curve_and_counted(result):
    _, axes = curves(result)
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts[-1] == "conv-sharing (1 diverged)"


def test_arms_are_chosen_by_a_pattern(result):
    _, axes = curves(result, arms="mlp*")
    assert len(axes.lines) == 2


def test_an_arm_or_a_curve_that_is_not_there(result):
    with pytest.raises(ValueError, match=r"no results of an arm 'x'; there are: mlp, "):
        curves(result, arms="x")
    with pytest.raises(ValueError, match="no curve 'f1'; there are: train_loss, test_loss"):
        curves(result, "f1")
