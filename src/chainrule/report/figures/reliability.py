"""What nets decided: how sure they were of it, and which classes they mix up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from chainrule.report.figure_data.reliability import (
    ConfusionData,
    ReliabilityData,
    confusion_data,
    reliability_data,
)
from chainrule.report.figures.drawn import Drawn
from chainrule.report.figures.style import (
    FEW_LINES,
    WIDTH,
    add_legend,
    draw_panels,
    escape_math,
    new_figure,
)
from chainrule.report.line_styles import line_style

if TYPE_CHECKING:
    from chainrule.report.data import ReportData
    from chainrule.study import StudyResult

__all__ = ["confusion", "draw_confusion", "draw_reliability", "reliability"]

PANEL_COLUMNS = 3
MAX_NUMBERS = 12
"""With more classes the squares alone are drawn, without their numbers."""


def reliability(
    result: StudyResult | ReportData, arms: str = "*", *, ax: Axes | None = None
) -> Drawn[Axes]:
    """How often decisions were right, against the probability that the nets said of them.

    A line an arm, over all rounds. On the diagonal an arm is calibrated; below it is too sure of
    itself. Raises StudyError where no predictions are kept, ValueError where no arm that matches
    says a probability.
    """
    data = reliability_data(result, arms)
    drawn = new_figure(4.6, 5.4 if len(data.lines) < FEW_LINES else WIDTH, ax=ax)
    draw_reliability(data, drawn.axes)
    return drawn


def draw_reliability(data: ReliabilityData, axes: Axes) -> None:
    """A line an arm, and the diagonal."""
    (diagonal,) = axes.plot([0, 1], [0, 1], color="#808080", ls="--", lw=1, label="calibrated")
    lines = []
    for i, line in enumerate(data.lines):
        style = line_style(i)
        x, y = ([getattr(b, name) for b in line.bins] for name in ("confidence", "accuracy"))
        label = f"{escape_math(line.arm)}: {100 * line.error:.1f}"
        lines += axes.plot(
            x, y, color=style.color, ls=style.linestyle, marker=style.marker, lw=1.5, label=label
        )
    axes.set(xlabel="probability that was said", ylabel="share that was right", aspect=1)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0))
    add_legend(axes, [diagonal, *lines], "expected calibration error, points")


def confusion(
    result: StudyResult | ReportData,
    arms: str = "*",
    *,
    figure: FigureBase | None = None,
    ax: Axes | None = None,
) -> Drawn[NDArray[Any]]:
    """How often each true class (row) was taken for each class, over all rounds; a panel an arm.

    The shade is the share of the class. Raises StudyError where no predictions are kept or they are
    of no classes, ValueError where no arm matches.
    """
    data = confusion_data(result, arms)
    columns = min(PANEL_COLUMNS, len(data.arms))
    rows = -(-len(data.arms) // columns)

    def draw(data: ConfusionData, figure: FigureBase) -> NDArray[Any]:
        grid: NDArray[Any] = figure.subplots(rows, columns, squeeze=False)
        draw_confusion(data, grid)
        return grid

    return draw_panels(draw, data, (WIDTH, 1.1 * WIDTH / columns * rows), figure, ax)


def draw_confusion(data: ConfusionData, grid: NDArray[Any]) -> None:
    """A panel an arm; the others are left away."""
    for axes in grid.flat[len(data.arms) :]:
        axes.remove()
    for arm, counts, axes in zip(data.arms, data.counts, grid.flat, strict=False):
        shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        places = range(len(counts))
        axes.set(title=escape_math(arm), xlabel="taken for", ylabel="true class")
        if len(counts) <= MAX_NUMBERS:
            axes.set(xticks=places, yticks=places)
            for i in places:
                for j in places:
                    color = "white" if shares[i, j] > 0.5 else "black"
                    axes.text(j, i, counts[i, j], ha="center", va="center", color=color, size=7)
