"""What all figures share: a palette for every eye, and how names, shares and epochs are shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from chainrule.report.figures.drawn import Drawn, NotebookFigure
from chainrule.report.numbers import Unit

__all__ = [
    "FEW_LINES",
    "WIDTH",
    "add_legend",
    "add_legend_below",
    "blank_figure",
    "draw_panels",
    "escape_math",
    "format_ticks",
    "new_figure",
    "set_epoch_ticks",
    "style_axes",
]

DataT = TypeVar("DataT")
AxesT = TypeVar("AxesT")

WIDTH = 8.6
"""Inches: a figure as wide as the text of the page."""

LETTER, LEGEND_LINE, LEGEND_ROW = 0.085, 0.75, 0.22
"""Inches that a legend takes: for a letter, for a line with its gaps, for a row."""

MAX_COLUMNS = 4
"""Of a legend below the axes."""

FEW_LINES = 4
"""So many have their legend within the axes."""


def blank_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches, which a notebook can show."""
    return NotebookFigure(figsize=(width, height), layout="constrained")


def draw_panels(
    draw: Callable[[DataT, FigureBase], AxesT],
    data: DataT,
    size: tuple[float, float],
    figure: FigureBase | None,
    ax: Axes | None,
) -> Drawn[AxesT]:
    """``draw(data, figure)`` in the figure given, in the place of ``ax``, or in an empty figure.

    An empty one has this size in inches. Raises ValueError for both, and for axes that have no
    place in a grid.
    """
    if ax is not None and figure is not None:
        raise ValueError("expected figure or ax, one of them")
    target = blank_figure(*size) if figure is None else figure
    if ax is not None:
        target = replace_by_subfigure(ax)
    return Drawn(target.get_figure(root=True), draw(data, target))


def replace_by_subfigure(ax: Axes) -> FigureBase:
    """A part of its figure, for several panels, where the axes was."""
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            "ax: several panels need axes that plt.subplots or add_subplot made, or figure="
        )
    whole = cast("FigureBase", ax.get_figure(root=False))
    ax.remove()
    return whole.add_subfigure(place)


def new_figure(height: float, width: float = WIDTH, *, ax: Axes | None = None) -> Drawn[Axes]:
    """An empty figure with one axes, or ``ax`` with the figure that it is in."""
    if ax is None:
        ax = blank_figure(width, height).subplots()
    style_axes(ax)
    figure = cast("Figure", ax.get_figure(root=True))
    return Drawn(figure, ax)


def style_axes(axes: Axes) -> None:
    """A light grid, no box around it."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)


def escape_math(text: str) -> str:
    """The text as it is: matplotlib would set what stands between two $ as a formula."""
    return text.replace("$", r"\$")


def format_ticks(axes: Axes, unit: Unit, *, x: bool = False) -> None:
    """Ticks in per cent where the unit is."""
    if unit.scale == 100.0:
        (axes.xaxis if x else axes.yaxis).set_major_formatter(PercentFormatter(1.0))


def set_epoch_ticks(axes: Axes) -> None:
    """Ticks at whole epochs."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def add_legend(axes: Axes, lines: Sequence[Line2D], title: str = "") -> None:
    """The legend: within the axes for a few lines, below them for many or long names."""
    names = [str(line.get_label()) for line in lines]
    if len(lines) <= FEW_LINES:
        axes.legend(lines, names, title=title, frameon=False)
    else:
        add_legend_below(axes, lines, names, title=title)


def add_legend_below(
    axes: Axes, *lines_and_names: Any, ncols: int = MAX_COLUMNS, **options: Any
) -> None:
    """A legend below the axes, of at most so many columns; a figure of its own grows by it.

    Without lines and names those of the axes; they may be one of several in a figure of somebody
    else's.
    """
    figure = axes.figure
    if isinstance(figure, NotebookFigure):
        lines, names = lines_and_names or axes.get_legend_handles_labels()
        widest = LETTER * max(map(len, names), default=0) + LEGEND_LINE
        ncols = max(1, min(ncols, int(figure.get_figwidth() / widest)))
        rows = -(-len(names) // ncols)
        figure.set_figheight(figure.get_figheight() + LEGEND_ROW * max(0, rows - 1))
        figure.legend(
            lines, names, loc="outside lower center", frameon=False, ncols=ncols, **options
        )
    else:
        place: dict[str, Any] = {
            "loc": "upper center",
            "bbox_to_anchor": (0.5, 0.0),
            "borderaxespad": 4.0,
        }
        axes.legend(*lines_and_names, frameon=False, ncols=ncols, **place, **options)
