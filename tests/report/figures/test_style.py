"""What figures share."""

from __future__ import annotations

import pytest

from chainrule.report.figures.style import add_legend, new_figure


@pytest.mark.parametrize("name", ["short", "a much longer name of an arm than one would choose"])
def test_a_legend_of_60_lines_lies_within_the_figure_and_leaves_the_axes_their_height(name):
    figure, axes = new_figure(4.6)
    lines = [axes.plot([0, 1], [0, i], label=f"{name} {i}")[0] for i in range(60)]
    add_legend(axes, lines, "a title")
    figure.draw_without_rendering()
    [legend] = figure.legends
    assert figure.bbox.contains(*legend.get_window_extent().min)
    assert figure.bbox.contains(*legend.get_window_extent().max)
    assert axes.get_window_extent().height / figure.dpi > 2.5
