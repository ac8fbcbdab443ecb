"""Learning curves: of trainings, and of all arms of a study together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from chainrule.report.figure_data.curves import (
    Curve,
    CurvesData,
    curves_data,
    learning_curves_data,
)
from chainrule.report.figures.drawn import Drawn
from chainrule.report.figures.style import (
    FEW_LINES,
    add_legend,
    escape_math,
    format_ticks,
    new_figure,
    set_epoch_ticks,
)
from chainrule.report.line_styles import LineStyle, line_style

if TYPE_CHECKING:
    from chainrule.report.data import ReportData
    from chainrule.study import StudyResult
    from chainrule.train import History

__all__ = ["curves", "draw_curve", "draw_curves", "learning_curves"]


def learning_curves(
    histories: Mapping[str, History], curve: str = "test_loss", *, ax: Axes | None = None
) -> Drawn[Axes]:
    """One line a history, the mean over its replicas, in a band of ± one standard deviation.

    ``histories`` maps a label to a history; ``curve`` names the curve. Replicas that diverged are
    left out and counted in the label. Raises KeyError where a history has no such curve.
    """
    return _build_figure(learning_curves_data(histories, curve), ax)


def curves(
    result: StudyResult | ReportData,
    name: str = "test_loss",
    arms: str = "*",
    *,
    ax: Axes | None = None,
) -> Drawn[Axes]:
    """One line an arm whose name matches, the mean over its rounds, in a band of ± one std.

    Rounds that diverged are left out and counted in the label. Raises ValueError where no arm
    matches, or none has such a curve.
    """
    return _build_figure(curves_data(result, name, arms), ax)


def _build_figure(data: CurvesData, ax: Axes | None) -> Drawn[Axes]:
    drawn = new_figure(4.2 if len(data.curves) <= FEW_LINES else 4.6, ax=ax)
    draw_curves(data, drawn.axes)
    return drawn


def draw_curves(data: CurvesData, axes: Axes) -> None:
    """A line a curve in its band, and a legend; a loss may have a logarithmic scale."""
    lines = [draw_curve(curve, axes, line_style(i)) for i, curve in enumerate(data.curves)]
    axes.set(xlabel="epoch", ylabel=escape_math(data.quantity.replace("_", " ")))
    format_ticks(axes, data.unit)
    set_scale(axes, data)
    set_epoch_ticks(axes)
    add_legend(axes, lines, f"mean ± std over {data.over}")


def set_scale(axes: Axes, data: CurvesData) -> None:
    """A scale that shows the many; which curves go on above it is said there."""
    scale = data.scale
    if scale.is_log:
        axes.set_yscale("log")
    if scale.ceiling is not None:
        axes.set_ylim(scale.find_limits(data.curves))
        note, place = escape_math(scale.describe_ceiling(data.curves)), axes.transAxes
        axes.text(0.99, 0.985, note, transform=place, ha="right", va="top")


def draw_curve(curve: Curve, axes: Axes, style: LineStyle) -> Line2D:
    """The mean in a band of ± one standard deviation; returns the line."""
    epochs, means = np.array(curve.epochs), np.array(curve.means)
    # One epoch is no line, but a point.
    marker = style.marker if len(epochs) == 1 else ""
    label = escape_math(curve.label)
    (line,) = axes.plot(
        epochs, means, color=style.color, ls=style.linestyle, marker=marker, label=label
    )
    if curve.stds is not None:
        stds = np.array(curve.stds)
        axes.fill_between(epochs, means - stds, means + stds, color=style.color, alpha=0.15, lw=0)
    return line
