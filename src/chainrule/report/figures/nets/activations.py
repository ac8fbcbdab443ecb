"""f and f′ of activations, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from numpy.typing import NDArray

from chainrule.report.figure_data.nets.activations import USUAL, ActivationsData, activations_data
from chainrule.report.figures.drawn import Drawn
from chainrule.report.figures.style import WIDTH, draw_panels, escape_math, style_axes
from chainrule.report.line_styles import line_style

if TYPE_CHECKING:
    from chainrule.nn.module import Module

__all__ = ["activations", "draw_activations"]


def activations(
    activations: Sequence[str | Module] = USUAL,
    low: float = -4.0,
    high: float = 4.0,
    *,
    figure: FigureBase | None = None,
    ax: Axes | None = None,
) -> Drawn[NDArray[Any]]:
    """f on the left and f′ on the right, a line a layer or its name, for numbers low … high.

    Returns the figure and its axes, shape (2,). Raises ValueError for what is no activation.
    """
    data = activations_data(activations, low, high)
    return draw_panels(draw_activations, data, (WIDTH, 3.6), figure, ax)


def draw_activations(data: ActivationsData, figure: FigureBase) -> NDArray[Any]:
    """Both panels in an empty figure; returns their axes, shape (2,)."""
    panels: NDArray[Any] = figure.subplots(1, 2)
    for axes, title, lines in zip(
        panels, ("f(x)", "f′(x)"), (data.values, data.slopes), strict=True
    ):
        draw_panel(axes, data.x, lines)
        axes.set(title=title, xlabel="x")
    handles = panels[0].lines
    names = [str(line.get_label()) for line in handles]
    figure.legend(handles, names, loc="outside lower center", ncols=5, frameon=False)
    return panels


def draw_panel(axes: Axes, x: NDArray[Any], lines: Any) -> None:
    """A line a name."""
    style_axes(axes)
    for i, (name, y) in enumerate(lines.items()):
        style = line_style(i)
        axes.plot(x, y, color=style.color, ls=style.linestyle, label=escape_math(name))
