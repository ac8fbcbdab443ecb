"""The parameters of nets: filters as images, and how weights are spread."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from numpy.typing import NDArray

from chainrule.report.figure_data.nets.parameters import (
    FiltersData,
    WeightsData,
    filters_data,
    weights_data,
)
from chainrule.report.figures.drawn import Drawn
from chainrule.report.figures.style import WIDTH, draw_panels, escape_math, style_axes
from chainrule.report.line_styles import line_style

if TYPE_CHECKING:
    from chainrule.nn.module import Module

__all__ = ["draw_filters", "draw_weights", "filters", "weights"]

PER_ROW = 8
PANELS = 3


def filters(
    net: Module,
    name: str | None = None,
    *,
    figure: FigureBase | None = None,
    ax: Axes | None = None,
) -> Drawn[NDArray[Any]]:
    """The filters of a convolution as images, the first 64: of its weight's ``name``, or the first.

    Blue is below 0 and red above; of three channels a filter is a picture in colour. Returns the
    figure and its axes, eight a row. Raises ValueError for a net of replicas or without filters.
    """
    data = filters_data(net, name)
    rows = math.ceil(len(data.filters) / PER_ROW)
    return draw_panels(draw_filters, data, (WIDTH, 0.4 + rows * WIDTH / PER_ROW), figure, ax)


def draw_filters(data: FiltersData, figure: FigureBase) -> NDArray[Any]:
    """The images in an empty figure; returns their axes."""
    rows = math.ceil(len(data.filters) / PER_ROW)
    grid: NDArray[Any] = figure.subplots(rows, PER_ROW, squeeze=False)
    figure.suptitle(escape_math(f"{data.name}, ±{data.limit:.2g}"), fontsize=10)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, image in zip(grid.flat, data.filters, strict=False):
        axes.imshow(image, cmap="RdBu_r", vmin=-data.limit, vmax=data.limit)
    return grid


def weights(
    nets: Mapping[str, Module], *, figure: FigureBase | None = None, ax: Axes | None = None
) -> Drawn[NDArray[Any]]:
    """A panel a parameter: how its numbers are spread in each net, a line a label.

    The nets may be one net at several epochs, as copies or as files have it. Returns the figure and
    its axes, three a row. Raises ValueError for nets of other parameters.
    """
    data = weights_data(nets)
    rows = math.ceil(len(data.edges) / PANELS)
    return draw_panels(draw_weights, data, (WIDTH, 0.5 + 2.1 * rows), figure, ax)


def draw_weights(data: WeightsData, figure: FigureBase) -> NDArray[Any]:
    """The panels in an empty figure; returns their axes."""
    rows = math.ceil(len(data.edges) / PANELS)
    grid: NDArray[Any] = figure.subplots(rows, PANELS, squeeze=False)
    for axes in [*grid.flat][len(data.edges) :]:
        axes.set_axis_off()
    for axes, (path, edges) in zip(grid.flat, data.edges.items(), strict=False):
        style_axes(axes)
        axes.set_title(escape_math(path), fontsize=10)
        for i, (label, shares) in enumerate(data.shares[path].items()):
            style = line_style(i)
            axes.stairs(shares, edges, color=style.color, ls=style.linestyle, label=label)
    handles, names = grid.flat[0].get_legend_handles_labels()
    shown = [escape_math(name) for name in names]
    figure.legend(handles, shown, loc="outside lower center", ncols=4, frameon=False)
    return grid
