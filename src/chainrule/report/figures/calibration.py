"""Do predicted intervals hold what they claim? Coverage against the level that was claimed."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import mean, stdev
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from chainrule.report.figures.canvas import key, line_style, literal, new_figure
from chainrule.report.figures.curves import arms_matching
from chainrule.report.tables.metric import values_of

if TYPE_CHECKING:
    from chainrule.study.results.study_result import StudyResult
    from chainrule.study.spec.study import Study

__all__ = ["calibration", "levels"]

USUAL = 0.95
"""The level of a Coverage that names none."""


def calibration(result: StudyResult, arms: str = "*") -> tuple[Figure, Axes]:
    """The share of test targets within the predicted intervals, against the intervals' level.

    A line an arm that predicts intervals, the mean over its rounds ± one std. On the diagonal an
    arm is calibrated; below it is too sure of itself, above too careful. Raises ValueError where
    the study counts no ``Coverage``, or no arm that matches predicts an interval.
    """
    at = levels(result.study)
    if not at:
        raise ValueError(f"study {result.study.name}: none of its metrics is a Coverage")
    found = {
        arm.arm: {level: values_of(arm, name) for level, name in at.items()}
        for arm in arms_matching(result, arms)
    }
    claiming = {arm: lines for arm, lines in found.items() if all(lines.values())}
    if not claiming:
        raise ValueError(f"study {result.study.name}: no arm of these predicts an interval")
    figure, axes = new_figure(4.6, 5.4)
    (ideal,) = axes.plot([0, 1], [0, 1], color="#808080", ls="--", lw=1, label="calibrated")
    drawn = [ideal, *(_line(axes, i, arm, claiming[arm]) for i, arm in enumerate(claiming))]
    axes.set(xlabel="level of the predicted interval", ylabel="test targets within it", aspect=1)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0))
    key(figure, axes, drawn, "mean ± std over rounds")
    return figure, axes


def levels(study: Study) -> Mapping[float, str]:
    """Level → name of the metric that counts the coverage at it, from the lowest."""
    found = {
        float(part.arguments.get("level", USUAL)): name
        for name, part in study.metrics.items()
        if part.name == "Coverage"
    }
    return dict(sorted(found.items()))


def _line(axes: Axes, i: int, arm: str, found: Mapping[float, list[float]]) -> Line2D:
    style = line_style(i)
    shown = axes.errorbar(
        [*found],
        [mean(values) for values in found.values()],
        yerr=[stdev(values) if len(values) > 1 else 0.0 for values in found.values()],
        color=style.color,
        ls=style.dash,
        marker=style.marker,
        capsize=3,
        lw=1.5,
    )
    line = shown.lines[0]
    line.set_label(literal(arm))
    return line
