"""The images that nets decided wrongly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from chainrule.report.figure_data.wrong_samples import wrong_samples_data
from chainrule.report.figures.samples import draw_samples, size_figure

if TYPE_CHECKING:
    from chainrule.report.data import ReportData
    from chainrule.study import StudyResult

__all__ = ["wrong_samples"]


def wrong_samples(result: StudyResult | ReportData, arm: str) -> tuple[Figure, Any]:
    """The test images that an arm's nets decided wrongly, those first that were so in most rounds.

    Above each its class and what was said most, "3 as 5", and in how many of the rounds that tested
    it. Raises StudyError where no predictions are kept or they are of no classes, ValueError where
    the samples are no images, or none was wrong.
    """
    data = wrong_samples_data(result, arm)
    figure = Figure(figsize=size_figure(data), layout="constrained")
    return figure, draw_samples(data, figure)
