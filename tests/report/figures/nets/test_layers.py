"""A net layer by layer, as a figure."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn
from chainrule.report import layers
from chainrule.train import layer_stats
from chainrule.zoo import plane_net

INITS = ("FanInUniform", "XavierUniform", "HeNormal", "Zeros")


@pytest.fixture(scope="module")
def rows():
    x = torch.randn(30, 2, generator=torch.Generator().manual_seed(1))
    net = plane_net(25, 10, "Sigmoid")
    return {name: layer_stats(net.initialize(0, getattr(nn.init, name)()), x) for name in INITS}


def test_a_figure_has_a_line_a_net_and_log_norms(rows):
    figure, axes = layers(rows)
    assert axes.shape == (2, 2)
    assert [a.get_yscale() for a in axes.flat] == ["linear", "linear", "log", "log"]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == list(INITS)
    drawn = axes[1, 1].lines[1].get_ydata()
    assert drawn.tolist() == [r.dw for r in rows["XavierUniform"] if r.dw is not None]


def test_norms_of_zero_stand_on_the_edge(rows):
    _, axes = layers({"Zeros": rows["Zeros"]})
    known, edge = axes[1, 1].lines
    assert len(known.get_xdata()) + len(edge.get_xdata()) == 11
    assert len(edge.get_xdata()) >= 10


def test_one_net_needs_no_legend(rows):
    figure, _ = layers({"a": rows["HeNormal"]})
    assert not figure.legends
