"""What a data set looks like: points of a plane, images, or the columns of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from numpy.typing import NDArray

from chainrule.report.figure_data.samples import (
    HistogramsData,
    ImagesData,
    PointsData,
    samples_data,
)
from chainrule.report.figures.drawn import Drawn
from chainrule.report.figures.style import WIDTH, draw_panels, style_axes
from chainrule.report.line_styles import line_style

if TYPE_CHECKING:
    from chainrule.data import Dataset

__all__ = ["POINTS_SIZE", "draw_samples", "samples", "size_figure"]

POINTS_SIZE = (5.0, 4.4)
IMAGE_COLUMNS, PAIR_COLUMNS, HISTOGRAM_COLUMNS = 10, 5, 4


def samples(
    data: Dataset, *, figure: FigureBase | None = None, ax: Axes | None = None
) -> Drawn[Any]:
    """A figure of a plain data set, and its axes; what it shows follows from the inputs.

    - (N, 2) and classes: every point, in the colour of its class;
    - (N, 1 or 3, H, W): the first images, grey or in colour, with what is to be said of them;
      (N, 2, H, W): a pair of grey images, side by side; (N, H, W): grey ones;
    - (N, D): a histogram of each column, and of the target.

    Images are shown from the smallest to the largest value in the data. Raises ValueError for
    inputs of another shape, and for no samples.
    """
    found = samples_data(data)
    return draw_panels(draw_samples, found, size_figure(found), figure, ax)


def size_figure(data: PointsData | ImagesData | HistogramsData) -> tuple[float, float]:
    """Inches: as wide as the page, and as high as it takes."""
    if isinstance(data, PointsData):
        return POINTS_SIZE
    if isinstance(data, HistogramsData):
        return WIDTH, 1.7 * -(-len(data.columns) // HISTOGRAM_COLUMNS)
    lines = 1 if data.pairs else len(data.titles[0])
    height = WIDTH / IMAGE_COLUMNS + 0.05 + 0.14 * lines
    return WIDTH, height * -(-len(data.images) // _count_image_columns(data))


def _count_image_columns(data: ImagesData) -> int:
    return PAIR_COLUMNS if data.pairs else IMAGE_COLUMNS


def draw_samples(data: PointsData | ImagesData | HistogramsData, figure: FigureBase) -> Any:
    """The samples in an empty figure; returns its axes."""
    if isinstance(data, PointsData):
        return _draw_points(data, figure)
    if isinstance(data, ImagesData):
        return _draw_images(data, figure)
    return _draw_histograms(data, figure)


def _draw_points(data: PointsData, figure: FigureBase) -> Any:
    axes = figure.subplots()
    style_axes(axes)
    for found in data.classes:
        style, n = line_style(found.label), len(found.points)
        label, (x, y) = f"class {found.label}: {n}", found.points.T
        axes.scatter(x, y, s=9, c=style.color, marker=style.marker, lw=0, label=label)
    axes.set(xlabel="x₁", ylabel="x₂", aspect="equal")
    figure.legend(loc="outside upper center", ncols=3, frameon=False, markerscale=2)
    return axes


def _draw_images(data: ImagesData, figure: FigureBase) -> NDArray[Any]:
    columns = _count_image_columns(data)
    grid: NDArray[Any] = figure.subplots(-(-len(data.images) // columns), columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for image, title, axes in zip(data.images, data.titles, grid.flat, strict=False):
        axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        # y: at its place as it is, where matplotlib would make each axes' ticks to look for one
        axes.set_title((", " if data.pairs else "\n").join(title), fontsize=8, pad=2, y=1)
    return grid


def _draw_histograms(data: HistogramsData, figure: FigureBase) -> NDArray[Any]:
    n = len(data.columns)
    columns = min(HISTOGRAM_COLUMNS, n)
    grid: NDArray[Any] = figure.subplots(-(-n // columns), columns, squeeze=False).flatten()
    for axes in grid[n:]:
        axes.remove()
    for column, axes in zip(data.columns, grid, strict=False):
        style_axes(axes)
        axes.hist(column.values, bins=20, color=line_style(int(column.is_target)).color)
        axes.set_title(column.name, fontsize=9)
        axes.tick_params(labelsize=7)
    return grid[:n]
