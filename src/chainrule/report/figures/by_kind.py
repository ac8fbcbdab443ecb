"""The figures of a study by kind, each made when it is asked for; one of several studies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from chainrule.report.data import ReportData
from chainrule.report.figures.boxes import boxes
from chainrule.report.figures.calibration import calibration
from chainrule.report.figures.critical_difference import critical_differences
from chainrule.report.figures.curve_grid import curve_grid
from chainrule.report.figures.curves import curves
from chainrule.report.figures.forest_plots import differences, effect_sizes
from chainrule.report.figures.nets.decision_maps import plane_outputs, plane_predictions
from chainrule.report.figures.reliability import confusion, reliability
from chainrule.report.figures.samples import samples
from chainrule.report.figures.search.importance import importances
from chainrule.report.figures.search.search_maps import search_maps
from chainrule.report.figures.search.validation import expected_validation, validation_against_test
from chainrule.report.figures.wrong_samples import wrong_samples
from chainrule.statistics import rank_arms

if TYPE_CHECKING:
    from chainrule.study import StudyResult

__all__ = ["MakeFigure", "figures_by_kind", "rank_studies"]

MakeFigure: TypeAlias = Callable[[], tuple[Figure, Any]]


def figures_by_kind(
    result: StudyResult, arms: str = "*", nets: Path | None = None
) -> dict[str, dict[str, MakeFigure]]:
    """Kind → file name → what makes the figure.

    ``arms`` chooses those of curves, curve-grid, search, calibration, reliability, confusion,
    wrong, outputs and predictions; the last two show the nets saved in the folder ``nets``.
    """
    data, metric = ReportData(result), result.study.metric_name
    curve_names = dict.fromkeys(("test_loss", f"test_{metric}"))
    searched = [arm.name for arm in result.study.select(arms) if arm.space]
    several = any(len(arm.space) > 1 for arm in result.study.all_arms)
    is_random = result.study.search.method == "random"
    predicted = [a for a in result.by_sample.arms if fnmatchcase(a, arms)] or ["*"]
    return {
        "data": {"data": lambda: samples(result.data(0)[0])},
        "boxes": {"boxes": partial(boxes, data)},
        "seconds": {"seconds": partial(boxes, data, "seconds")},
        "curves": {f"curves-{c}": partial(curves, data, c, arms) for c in curve_names},
        "curve-grid": {"curve-grid": partial(curve_grid, data, arms)},
        "search": {f"search-{a}": partial(search_maps, data, a) for a in searched},
        "importance": {"importance": partial(importances, data)} if several else {},
        "budget": {"budget": partial(expected_validation, data)} if is_random else {},
        "validation": {"validation": partial(validation_against_test, data)},
        "differences": {"differences": partial(differences, data)},
        "effects": {"effects": partial(effect_sizes, data)} if result.study.factors else {},
        "calibration": {"calibration": partial(calibration, data, arms)},
        "reliability": {"reliability": partial(reliability, data, arms)},
        "confusion": {"confusion": partial(confusion, data, arms)},
        "wrong": {f"wrong-{a}": partial(wrong_samples, data, a) for a in predicted},
        "outputs": {"outputs": partial(plane_outputs, data, nets or "", arms)},
        "predictions": {"predictions": partial(plane_predictions, data, nets or "", arms)},
    }


def rank_studies(results: Sequence[StudyResult]) -> tuple[Figure, Axes]:
    """The mean ranks, over studies, of the arms that all of them have."""
    common = set.intersection(*({arm.arm for arm in result.arms} for result in results))
    means = {
        arm.arm: [r.arm(arm.arm).mean * (1 if r.study.direction == "max" else -1) for r in results]
        for arm in results[0].arms
        if arm.arm in common
    }
    return critical_differences(rank_arms(means))
