"""What a function that makes a figure returns, beside axes of one's own and in a notebook."""

from __future__ import annotations

import inspect
import sys
from io import BytesIO
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from chainrule import data, nn, report
from chainrule.report.figures.drawn import Drawn
from chainrule.train import History

PNG = b"\x89PNG"
NET = nn.Linear(2, 2).initialize(0)


@pytest.fixture
def cell(monkeypatch):
    """The images that a notebook's cell shows."""
    shown = []
    module = ModuleType("IPython.display")
    module.Image, module.display = bytes, shown.append
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    return shown


def test_it_is_a_figure_and_its_axes_and_an_image(cell):
    drawn = report.plane(NET)
    figure, axes = drawn
    assert axes in figure.axes
    drawn._ipython_display_()
    assert [image[:4] for image in cell] == [PNG]
    assert figure._repr_png_()[:4] == PNG


def test_a_figure_of_pyplots_is_left_to_pyplot(cell):
    figure = Figure()
    figure.canvas.manager = SimpleNamespace()
    Drawn(figure, figure.subplots())._ipython_display_()
    assert cell == []


def test_it_draws_into_axes_of_ones_own():
    figure = Figure(layout="constrained")
    left, right = figure.subplots(1, 2)
    drawn = report.plane(NET, ax=left)
    assert drawn.figure is figure
    assert drawn.axes is left
    history = History()
    history.add({"test_loss": torch.tensor(1.0)})
    report.learning_curves({f"net {i}": history for i in range(6)}, ax=right)
    assert len(right.lines) == 6
    assert len(right.get_legend().get_texts()) == 6  # its own, not the figure's
    assert figure.legends == []


SEVERAL = [
    name
    for name in report.__all__
    if hasattr(report, f"draw_{name}")
    and ("figure" in inspect.signature(getattr(report, f"draw_{name}")).parameters)
]


def test_each_figure_of_several_axes_can_be_a_part_of_another():
    assert len(SEVERAL) >= 9
    for name in (*SEVERAL, "confusion"):
        assert {"figure", "ax"} <= {*inspect.signature(getattr(report, name)).parameters}, name


@pytest.mark.parametrize(
    "draw",
    [
        report.activations,
        lambda figure: report.weights({"a": NET, "b": NET}, figure=figure),
        lambda figure: report.filters(nn.Conv2d(1, 2, 3).initialize(0), figure=figure),
        lambda figure: report.samples(data.disk(9, seed=0), figure=figure),
    ],
    ids=["activations", "weights", "filters", "samples"],
)
def test_it_draws_into_a_part_of_a_figure_of_ones_own(draw):
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subfigures(1, 2)
    drawn = draw(figure=right)
    assert drawn.figure is figure
    assert left.axes == []
    assert {id(axes) for axes in np.ravel(drawn.axes)} == {id(axes) for axes in right.axes}
    assert drawn.figure.savefig(BytesIO()) is None


@pytest.mark.parametrize("whole", [Figure(), Figure().subfigures(1, 2)[0]], ids=["all", "part"])
def test_several_panels_take_the_place_of_an_axes(whole):
    left, right = whole.subplots(1, 2)
    drawn = report.weights({"a": NET, "b": NET}, ax=right)
    (part,) = whole.subfigs
    assert {*drawn.figure.axes} == {left, *part.axes}
    assert {id(axes) for axes in np.ravel(drawn.axes)} == {id(axes) for axes in part.axes}
    assert drawn.figure.savefig(BytesIO()) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ax": Figure().add_axes((0, 0, 1, 1))}, "ax: several panels need axes that plt.subplots"),
        ({"ax": Figure().subplots(), "figure": Figure()}, "expected figure or ax, one of them"),
    ],
    ids=["nowhere", "both"],
)
def test_a_place_that_several_panels_cannot_take_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        report.weights({"a": NET, "b": NET}, **options)
