"""The report of a study as one HTML page that needs nothing else: no network, no other file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from chainrule._util.atomic import write_atomically
from chainrule._util.words import count_noun
from chainrule.report.advice import advice_sentences
from chainrule.report.data import ReportData
from chainrule.report.html.downloads import (
    SHOWN_ROWS,
    build_download,
    build_downloads,
    data_uri,
    pack_text,
)
from chainrule.report.html.protocol import (
    protocol_facts,
    randomness_facts,
    run_facts,
    timing_facts,
)
from chainrule.report.sentences import (
    budget_sentences,
    opening_sentence,
    progress_sentence,
    verdict_sentences,
)
from chainrule.report.tables.candidates import candidates_table
from chainrule.report.tables.comparisons import comparisons_table, robustness_table
from chainrule.report.tables.diverged import diverged_table, failed_table, stuck_table
from chainrule.report.tables.effects import effects_table
from chainrule.report.tables.findings import findings_table
from chainrule.report.tables.importance import importance_table
from chainrule.report.tables.predictions import (
    calibration_table,
    confusion_table,
    intervals_table,
    sample_comparisons_table,
    wrong_samples_table,
)
from chainrule.report.tables.results import results_table
from chainrule.report.tables.table import Table
from chainrule.report.tables.targets import targets_table

if TYPE_CHECKING:
    from chainrule.statistics import Comparisons, Effects
    from chainrule.study import StudyResult

__all__ = ["render_page", "render_template", "write_page"]

T = TypeVar("T")
MAX_CANDIDATES = 2000


def write_page(result: StudyResult, path: str | Path) -> None:
    """Write the page in place of what was there, atomically. Raises OSError naming the path."""
    write_atomically(path, render_page(result).encode())


def render_page(result: StudyResult | ReportData) -> str:
    """The page of a study, finished or not, as HTML."""
    return render_template("page.html.jinja", _build_content(ReportData.wrap(result)))


def render_template(name: str, content: Mapping[str, Any]) -> str:
    """A page of this folder, with what all of them have."""
    from jinja2 import DictLoader, Environment, StrictUndefined

    folder = files("chainrule.report.html")
    css, js, macros, template = (
        folder.joinpath(file).read_text("utf-8")
        for file in ("page.css", "page.js", "macros.html.jinja", name)
    )
    pages = Environment(
        loader=DictLoader({"macros.html.jinja": macros, name: template}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    common = {
        "css": css,
        "js": js,
        "download": build_download,
        "downloads": build_downloads,
        "data_uri": data_uri,
        "pack": pack_text,
        "shown_rows": SHOWN_ROWS,
    }
    return pages.get_template(name).render(**common, **content)


def _build_content(data: ReportData) -> dict[str, Any]:
    """What the template asks for."""
    from chainrule.report.html.page_figures import build_page_figures

    comparisons, why_not = _compute_or_explain(data, lambda: data.comparisons)
    effects, _ = _compute_or_explain(data, lambda: data.effects)
    figures = build_page_figures(data, comparisons, effects)
    return {
        "study": data.study,
        "opening": opening_sentence(data),
        "progress": progress_sentence(data),
        "not_looked_for": data.review.skipped,
        "verdict": verdict_sentences(data, comparisons),
        "budgets": budget_sentences(data),
        "scope": comparisons.design.scope if comparisons else "",
        "why_not": why_not,
        "advice": advice_sentences(data),
        "tables": {table.name: table for table in _build_tables(data, comparisons, effects)},
        "figures": lambda group: [figure for figure in figures if figure.group == group],
        "protocol": protocol_facts(data),
        "randomness": randomness_facts(data),
        "times": timing_facts(data),
        "runs": run_facts(data),
        "max_candidates": MAX_CANDIDATES,
    }


def _compute_or_explain(data: ReportData, compute: Callable[[], T]) -> tuple[T | None, str]:
    """What can be computed from so few results, or why it cannot."""
    if len(data.arms) < 2:
        arms = count_noun(len(data.arms), "arm")
        return None, f"There are results of {arms}: nothing to compare yet."
    try:
        return compute(), ""
    except ValueError as error:
        return None, f"Not compared: {error}."


def _build_tables(
    data: ReportData, comparisons: Comparisons | None, effects: Effects | None
) -> list[Table]:
    """The tables that these results allow."""
    from chainrule.study import compare_with_target

    tables = [make(data) for make in (diverged_table, failed_table, stuck_table)]
    tables.append(findings_table(data.review))
    if data.arms:
        tables.append(results_table(data))
    if comparisons is not None:
        tables += [comparisons_table(data, comparisons), robustness_table(comparisons)]
    if any(arm.reported for arm in data.arms) and all(arm.n > 1 for arm in data.arms):
        with suppress(ValueError):  # a failure value that beats what was observed
            tables.append(targets_table(data, compare_with_target(data.result), "reported"))
    if data.prediction_data.sample_comparisons:
        tables.append(sample_comparisons_table(data, data.prediction_data.sample_comparisons))
    if data.prediction_data.has_intervals:
        tables.append(intervals_table(data))
    if data.prediction_data.decisions:
        tables += [
            make(data.prediction_data.decisions)
            for make in (confusion_table, calibration_table, wrong_samples_table)
        ]
    if effects is not None:
        tables.append(effects_table(data))
    if any(data.candidates.values()):
        tables += [candidates_table(data, only_chosen=True), candidates_table(data)]
    if data.importances:
        tables.append(importance_table(data))
    return [table.drop_empty_columns() for table in tables if table.cells]
