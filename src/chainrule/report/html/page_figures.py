"""The figures of the page, each with its words and its data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, final

from matplotlib.figure import Figure

from chainrule.report.data import varied_paths
from chainrule.report.figure_data.boxes import SECONDS, round_rows
from chainrule.report.figure_data.curve_grid import SIDES, curve_grid_data
from chainrule.report.figure_data.curves import curve_names, curve_rows, curves_data
from chainrule.report.figure_data.search.search_maps import search_maps_data
from chainrule.report.figure_data.search.validation import (
    expected_validation_data,
    validation_against_test_data,
)
from chainrule.report.figures.boxes import boxes
from chainrule.report.figures.forest_plots import differences, effect_sizes
from chainrule.report.figures.reliability import reliability
from chainrule.report.figures.search.importance import importances
from chainrule.report.figures.search.validation import expected_validation, validation_against_test
from chainrule.report.figures.wrong_samples import wrong_samples
from chainrule.report.html.curve_figures import draw_curve_grid_svg, draw_curves_svg
from chainrule.report.html.search_figures import draw_search_svg
from chainrule.report.html.svg import inline_svg
from chainrule.report.render.text import rows_to_csv
from chainrule.report.tables.importance import importance_table
from chainrule.report.tables.predictions import calibration_table, wrong_samples_table

if TYPE_CHECKING:
    from chainrule.report.data import ReportData
    from chainrule.statistics import Comparisons, Effects

__all__ = ["PageFigure", "build_page_figure", "build_page_figures"]

MAX_LINES = 40
"""More comparisons, or effects, are read in their table alone."""


@final
@dataclass(frozen=True)
class PageFigure:
    """A figure in words, as SVG, and its numbers as CSV; ``group`` is where it stands."""

    group: str
    name: str
    caption: str
    svg: str
    csv: str


def build_page_figures(
    data: ReportData, comparisons: Comparisons | None, effects: Effects | None
) -> list[PageFigure]:
    """Every figure that these results allow."""
    if not data.arms:
        return []
    return [
        *_result_figures(data),
        *_test_figures(data, comparisons, effects),
        *_prediction_figures(data),
        *_curve_figures(data),
        *_search_figures(data),
        *_map_figures(data),
    ]


def build_page_figure(
    group: str,
    name: str,
    caption: str,
    drawn: tuple[Figure, Any],
    rows: Sequence[Mapping[str, Any]],
) -> PageFigure:
    """A figure as it was drawn, and its rows."""
    return PageFigure(group, name, caption, inline_svg(drawn[0], name, caption), rows_to_csv(rows))


def _result_figures(data: ReportData) -> Iterator[PageFigure]:
    metric, rows = data.study.metric_name, round_rows(data)
    yield build_page_figure(
        "results",
        "boxes",
        f"Test {metric} by arm: quartiles, median, and a point a round.{_explain_crosses(data)}",
        boxes(data),
        rows,
    )
    yield build_page_figure(
        "times",
        "seconds",
        "Amortised seconds of a round: cohort time / cohort width, a point a round.",
        boxes(data, SECONDS),
        rows,
    )


def _explain_crosses(data: ReportData) -> str:
    """What a cross stands for, where there is one."""
    if all(arm.n_ok == arm.n for arm in data.arms):
        return ""
    worst = data.unit.quantity(data.study.failure_value)
    return f" A cross is a round that diverged; it counts as {worst}, wherever it is drawn."


def _test_figures(
    data: ReportData, comparisons: Comparisons | None, effects: Effects | None
) -> Iterator[PageFigure]:
    fill = (
        "Thick: the interval by itself; thin: the one that holds for all tests of the study at "
        "once. Filled: this excludes 0, and p is at most 0.05 after Holm's correction."
    )
    if comparisons is not None and len(comparisons.comparisons) <= MAX_LINES:
        yield build_page_figure(
            "comparisons",
            "differences",
            f"Mean differences with their intervals; to the right is better. {fill}",
            differences(data, comparisons),
            comparisons.as_rows(),
        )
    if effects is not None and len(effects.effects) <= MAX_LINES:
        yield build_page_figure(
            "effects",
            "effect-sizes",
            f"Effects with their intervals; to the right is better. {fill}",
            effect_sizes(data),
            effects.as_rows(),
        )


def _curve_figures(data: ReportData) -> Iterator[PageFigure]:
    metric, rows = data.study.metric_name, curve_rows(data)
    names = curve_names(data.arms)
    for name in dict.fromkeys(("test_loss", f"test_{metric}")):
        if name in names:
            words = name.replace("_", " ")
            caption = (
                f"{words[0].upper()}{words[1:]} by epoch, mean ± standard deviation over rounds."
            )
            found = curves_data(data, name)
            caption = add_note(caption, found.scale.describe_ceiling(found.curves))
            yield PageFigure(
                "curves",
                f"curves-{name.replace('_', '-')}",
                caption,
                draw_curves_svg(found, caption),
                rows_to_csv([row for row in rows if row["curve"] == name]),
            )
    if any(f"{side}_{kind}" in names for side in SIDES for kind in ("loss", metric)):
        grid = curve_grid_data(data)
        caption = "Each arm by itself: training (dashed) and test, mean ± std over rounds."
        caption = add_note(caption, grid.ceiling_note)
        svg = draw_curve_grid_svg(grid, caption)
        yield PageFigure("curves", "curve-grid", caption, svg, rows_to_csv(rows))


def add_note(caption: str, note: str) -> str:
    """The caption, and another sentence where there is one."""
    return f"{caption} {note}." if note else caption


def _prediction_figures(data: ReportData) -> Iterator[PageFigure]:
    """What nets are sure of, and the images or points that the best arm decided wrongly."""
    found = data.prediction_data.decisions
    if any(each.calibration() for each in found.values()):
        yield build_page_figure(
            "reliability",
            "reliability",
            "How often decisions were right, by the probability that the nets said of them.",
            reliability(data),
            calibration_table(found).rows,
        )
    best = next((arm.arm for arm in data.ranked_arms if arm.arm in found), None)
    if best is None:
        return
    with suppress(ValueError, OSError):  # others, none wrong, or no data any more
        yield build_page_figure(
            "wrong",
            "wrong",
            f"Test samples that {best} decided wrongly: its class, as what it was taken for.",
            wrong_samples(data, best),
            wrong_samples_table({best: found[best]}).rows,
        )


def _search_figures(data: ReportData) -> Iterator[PageFigure]:
    if any(data.candidates[arm.arm] for arm in data.arms):
        yield build_page_figure(
            "search",
            "validation",
            "What selected, against the test: a mark an arm; the line is where both are equal.",
            validation_against_test(data),
            [asdict(mark) for mark in validation_against_test_data(data).marks],
        )
    if data.study.search.method == "random" and any(data.candidates.values()):
        found = expected_validation_data(data)
        yield build_page_figure(
            "search",
            "budget",
            f"Expected best validation {found.metric} by the number of random candidates, ± its "
            "standard deviation.",
            expected_validation(data),
            [
                {"arm": c.name, "candidates": n, "mean": m, "std": s}
                for c in found.curves
                for n, (m, s) in enumerate(zip(c.means, c.stds or (), strict=True), 1)
            ],
        )
    if data.importances:
        yield build_page_figure(
            "search",
            "importance",
            "How much of what makes a candidate good is each setting's: a mark an arm.",
            importances(data),
            importance_table(data).rows,
        )


def _map_figures(data: ReportData) -> Iterator[PageFigure]:
    for i, (arm, candidates) in enumerate(data.candidates.items()):
        if varied_paths(candidates):
            caption = f"{arm}: mean validation {data.study.metric_name} of its candidates."
            rows = [
                {**c.setting, "validation": c.mean, "chosen": c.chosen, "n": len(c.values)}
                for c in candidates
            ]
            svg = draw_search_svg(search_maps_data(data, arm), caption)
            yield PageFigure("maps", f"search-{i}", caption, svg, rows_to_csv(rows))
