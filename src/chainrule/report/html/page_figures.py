"""The figures of the page, each with its words and its data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from matplotlib.figure import Figure

from chainrule.report.figures.boxes import box_rows, boxes
from chainrule.report.figures.curves import curve_names, curve_rows, curves
from chainrule.report.figures.forest_plots import differences, effect_sizes
from chainrule.report.figures.panels import curve_grid
from chainrule.report.figures.scatter import validation_against_test
from chainrule.report.figures.search_maps import heat_maps
from chainrule.report.html.svg import inline_svg
from chainrule.report.numbers import unit_of
from chainrule.report.render.text import csv_of
from chainrule.report.tables.candidate_summary import chosen_values, paths_of, tried

if TYPE_CHECKING:
    from chainrule.statistics import Comparisons, Effects
    from chainrule.study.results.study_result import StudyResult

__all__ = ["PageFigure", "page_figures"]

Rows = Sequence[Mapping[str, Any]]
Shown = Callable[[], tuple[Figure, Any]]


@final
@dataclass(frozen=True)
class PageFigure:
    """A figure in words, as SVG, and its numbers as CSV; ``group`` is where it stands."""

    group: str
    name: str
    caption: str
    svg: str
    csv: str


def page_figures(
    result: StudyResult, comparisons: Comparisons | None, effects: Effects | None
) -> list[PageFigure]:
    """Every figure that these results allow."""
    if not result.arms:
        return []
    made = [*_results(result), *_tests(result, comparisons, effects), *_curves(result)]
    return [*made, *_search(result)]


def _picture(group: str, name: str, caption: str, show: Shown, rows: Rows) -> PageFigure:
    figure, _ = show()
    return PageFigure(group, name, caption, inline_svg(figure, name, caption), csv_of(rows))


def _results(result: StudyResult) -> Iterator[PageFigure]:
    metric, rows = result.study.metric_name, box_rows(result)
    yield _picture(
        "results",
        "boxes",
        f"Test {metric} by arm: quartiles, median, and a point a round.{_lost(result)}",
        lambda: boxes(result),
        rows,
    )
    yield _picture(
        "times",
        "seconds",
        "Amortised seconds of a round: cohort time / cohort width, a point a round.",
        lambda: boxes(result, "seconds"),
        rows,
    )


def _lost(result: StudyResult) -> str:
    """What a cross stands for, where there is one."""
    if all(arm.n_ok == arm.n for arm in result.arms):
        return ""
    worst = unit_of(result).worded(result.study.worst)
    return f" A cross is a round that diverged; it counts as {worst}, wherever it is drawn."


def _tests(
    result: StudyResult, comparisons: Comparisons | None, effects: Effects | None
) -> Iterator[PageFigure]:
    unit, filled = unit_of(result), "Filled: p below 0.05 after Holm's correction."
    if comparisons is not None and len(comparisons.comparisons) <= 40:
        yield _picture(
            "comparisons",
            "differences",
            f"Mean differences with their intervals; to the right is better. {filled}",
            lambda: differences(comparisons, unit),
            comparisons.as_rows(),
        )
    if effects is not None and len(effects.effects) <= 40:
        yield _picture(
            "effects",
            "effect-sizes",
            f"Effects with their intervals; to the right is better. {filled}",
            lambda: effect_sizes(effects, unit),
            effects.as_rows(),
        )


def _curves(result: StudyResult) -> Iterator[PageFigure]:
    known, rows = curve_names(result.arms), curve_rows(result)
    for name in dict.fromkeys(("test_loss", f"test_{result.study.metric_name}")):
        if name in known:
            words = name.replace("_", " ")
            yield _picture(
                "curves",
                f"curves-{name.replace('_', '-')}",
                f"{words[0].upper()}{words[1:]} by epoch, mean ± standard deviation over rounds.",
                lambda name=name: curves(result, name),  # type: ignore[misc]
                [row for row in rows if row["curve"] == name],
            )
    if any(f"{side}_{kind}" in known for side in ("train", "test") for kind in _kinds(result)):
        yield _picture(
            "curves",
            "curve-grid",
            "Each arm by itself: training (dashed) and test, mean ± std over rounds.",
            lambda: curve_grid(result),
            rows,
        )


def _kinds(result: StudyResult) -> tuple[str, str]:
    return ("loss", result.study.metric_name)


def _search(result: StudyResult) -> Iterator[PageFigure]:
    chosen = chosen_values(result)
    if chosen:
        yield _picture(
            "search",
            "validation",
            "What selected, against the test: a mark an arm; the line is where both are equal.",
            lambda: validation_against_test(result),
            chosen,
        )
    for i, arm in enumerate(result.study.all_arms):
        found = tried(result, arm.name)
        if paths_of(found):
            rows = [
                {**one.setting, "validation": one.mean, "chosen": one.chosen, "n": len(one.values)}
                for one in found
            ]
            yield _picture(
                "maps",
                f"search-{i}",
                f"{arm.name}: mean validation {result.study.metric_name} of its candidates.",
                lambda name=arm.name: heat_maps(result, name),  # type: ignore[misc]
                rows,
            )
