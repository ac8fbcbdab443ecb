"""The samples that nets decided wrongly: images, or points of a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from chainrule.report.figure_data.samples import ImagesData
from chainrule.report.figure_data.wrong_samples import WrongPointsData, wrong_samples_data
from chainrule.report.figures.drawn import Drawn
from chainrule.report.figures.samples import POINTS_SIZE, draw_samples, size_figure
from chainrule.report.figures.style import draw_panels, style_axes
from chainrule.report.line_styles import line_style

if TYPE_CHECKING:
    from chainrule.report.data import ReportData
    from chainrule.study import StudyResult

__all__ = ["draw_wrong_samples", "wrong_samples"]

OTHERS = "#c8c8c8"


def wrong_samples(
    result: StudyResult | ReportData,
    arm: str,
    *,
    figure: FigureBase | None = None,
    ax: Axes | None = None,
) -> Drawn[Any]:
    """The test samples that an arm's nets decided wrongly.

    Of images those first that were so in most rounds; above each its class and what was said most,
    "3 as 5", and in how many of the rounds that tested it. Of points in a plane all: the sign is
    that of its class, the rim has the colour of what was said most, and it is larger the more of
    the rounds it was wrong in; the points that were never wrong are grey. Raises StudyError where
    no predictions are kept or they are of no classes, ValueError where the samples are neither, or
    none was wrong.
    """
    data = wrong_samples_data(result, arm)
    size = POINTS_SIZE if isinstance(data, WrongPointsData) else size_figure(data)
    return draw_panels(draw_wrong_samples, data, size, figure, ax)


def draw_wrong_samples(data: ImagesData | WrongPointsData, figure: FigureBase) -> Any:
    """The samples in an empty figure; returns its axes."""
    if isinstance(data, ImagesData):
        return draw_samples(data, figure)
    axes = figure.subplots()
    style_axes(axes)
    x, y = data.others.T
    axes.scatter(x, y, s=4, c=OTHERS, lw=0, label="never wrong")
    for group in data.wrong:
        truth, decided = line_style(group.truth), line_style(group.decided)
        x, y = group.points.T
        axes.scatter(
            x,
            y,
            s=12 + 36 * group.shares,
            c=truth.color,
            edgecolors=decided.color,
            linewidths=1.2,
            marker=truth.marker,
            label=f"{group.truth} as {group.decided}: {len(group.points)}",
        )
    axes.set(xlabel="x₁", ylabel="x₂", aspect="equal")
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return axes
