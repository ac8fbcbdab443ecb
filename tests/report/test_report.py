"""Figures and tables of results."""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.figure import Figure
from rich.console import Console

from chainrule import nn
from chainrule.data import Dataset, disk, one_hot
from chainrule.report import learning_curves, plane, study_table
from chainrule.study import ArmResult, Reported, StudyResult
from chainrule.train import History
from chainrule.zoo import disk_net

NAN = float("nan")


def history(*epochs, replicas: int | None = None, name: str = "test_loss") -> History:
    made = History(replicas)
    for values in epochs:
        made.add({name: torch.tensor(values, dtype=torch.float64)})
    return made


THREE = history([3.0, 4.0, 5.0], [1.0, 2.0, 6.0], replicas=3)


def bands(axes: Axes) -> list[PolyCollection]:
    return [c for c in axes.collections if isinstance(c, PolyCollection)]


# learning curves


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


# the plane


def points() -> Dataset:
    drawn = disk(50)
    return Dataset(drawn.inputs, one_hot(drawn.targets, 2))


def test_the_plane_is_a_figure_and_its_axes():
    figure, axes = plane(disk_net(5), points(), points=20)
    assert isinstance(figure, Figure)
    assert isinstance(axes, Axes)
    assert axes in figure.axes


def test_the_plane_shows_output_1_minus_output_0():
    net = nn.Linear(2, 2)
    net.weight.data.copy_(torch.tensor([[0.0, 0.0], [1.0, 0.0]]))  # output 1 is x₁
    net.bias.data.zero_()
    _, axes = plane(net, points=5)
    (image,) = axes.images
    assert np.allclose(image.get_array(), np.linspace(0, 1, 5)[None, :].repeat(5, 0))


def test_the_second_coordinate_goes_up():
    net = nn.Linear(2, 1)
    net.weight.data.copy_(torch.tensor([[0.0, 1.0]]))
    net.bias.data.zero_()
    _, axes = plane(net, points=5)
    assert np.allclose(axes.images[0].get_array()[:, 0], np.linspace(0, 1, 5))
    assert axes.images[0].origin == "lower"


@pytest.mark.parametrize("training", [True, False])
def test_the_plane_leaves_the_mode(training):
    net = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 2))
    net.train(training)
    before = [t.clone() for t in net.state_dict().values()]
    plane(net, points(), points=10)
    assert {module.training for module in net.modules()} == {training}
    assert all(torch.equal(s, t) for s, t in zip(before, net.state_dict().values(), strict=True))


def test_the_plane_leaves_a_layer_that_was_frozen():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    net[1].eval()
    plane(net, points=5)
    assert not net[1].training


def scatters(axes: Axes) -> list[int]:
    return [len(c.get_offsets()) for c in axes.collections if isinstance(c, PathCollection)]


@pytest.mark.parametrize("targets", ["indices", "one-hot"])
def test_the_classes_are_shown_apart(targets):
    drawn = disk(50)
    _, axes = plane(disk_net(5), drawn if targets == "indices" else points(), points=10)
    inside = int(drawn.targets.sum())
    assert scatters(axes) == [50 - inside, inside]
    assert labels(axes) == ["class 0", "class 1"]


def test_targets_of_one_column_are_classes_too():
    inputs = torch.rand(20, 2)
    data = Dataset(inputs, torch.tensor([[1.0]] * 5 + [[0.0]] * 15))
    _, axes = plane(nn.Linear(2, 1), data, points=5)
    assert scatters(axes) == [15, 5]


def test_without_data_there_are_no_points():
    _, axes = plane(disk_net(5), points=10)
    assert scatters(axes) == []
    assert axes.get_legend() is None


def test_targets_by_name_are_not_drawn():
    data = Dataset(torch.rand(9, 2), {"main": torch.zeros(9)})
    assert scatters(plane(disk_net(5), data, points=10)[1]) == []


def test_the_picture_spans_the_data():
    _, axes = plane(disk_net(5), Dataset(torch.tensor([[-2.0, 0.0], [1.0, 3.0]]), torch.zeros(2)))
    assert axes.images[0].get_extent() == [-2, 3, -2, 3]


def test_a_net_that_learned_nothing_can_be_shown():
    net = nn.Linear(2, 1)
    for parameter in net.parameters():
        parameter.data.zero_()
    assert plane(net, points=5)[1].images[0].get_clim() == (-1, 1)


# the table


def result(*arms: ArmResult, **changes) -> StudyResult:
    return replace(StudyResult("toy", 3, 25, 7, arms), **changes)


def arm(name: str = "mlp", values=(0.5, 0.6, 0.7), **changes) -> ArmResult:
    made = ArmResult(name, "accuracy", values, len(values), 12345, 1.234, 1.5, History(len(values)))
    return replace(made, **changes)


def printed(found: StudyResult, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(study_table(found))
    return console.file.getvalue()


def cells(found: StudyResult) -> list[list[str]]:
    """The row of each arm, its cells apart by two or more blanks."""
    names = {arm.arm for arm in found.arms}
    lines = [re.split(r"\s{2,}", line.strip()) for line in printed(found).splitlines()]
    rows = [line for line in lines if line[0] in names]
    return [[cell.replace(" / ", "/") for cell in row] for row in rows]


def test_a_row():
    found = result(arm(reported=Reported(0.8028, 0.013)))
    assert cells(found) == [
        ["mlp", "60.00 ± 10.00", "3/3", "80.28 ± 1.30", "12,345", "1.23", "0.500"]
    ]


def test_nothing_reported_and_no_std_are_dashes():
    assert cells(result(arm(values=(0.5,))))[0][1:4] == ["50.00 ± –", "1/1", "–"]


def test_rounds_that_diverged_are_counted():
    assert cells(result(arm(n_ok=2)))[0][2] == "2/3"


def test_the_arms_stand_in_their_order():
    assert [row[0] for row in cells(result(arm("b"), arm("a")))] == ["b", "a"]


def test_the_title_says_what_is_shown():
    shown = printed(result(arm()))
    assert "toy: test accuracy in %, mean ± std (ddof 1) over n rounds" in shown
    assert "25 epochs, root seed 7" in shown


def test_the_times_are_explained():
    shown = printed(result(arm()))
    assert "solo: seconds for one round trained alone" in shown
    assert "share: seconds for all n rounds trained at once, divided by n" in shown


def test_a_study_without_arms_is_an_empty_table():
    assert cells(result()) == []
    assert "toy" in printed(result())


def test_an_arm_without_a_number_can_be_shown():
    assert math.isnan(arm(values=(0.5,)).std)
    assert "–" in printed(result(arm(values=(0.5,))))
