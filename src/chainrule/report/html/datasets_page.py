"""The report of a study over several data sets as one HTML page, as :mod:`page` makes it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule._util.atomic import write_atomically
from chainrule._util.words import count_noun
from chainrule.report.data import ReportData
from chainrule.report.datasets_sentences import (
    datasets_opening,
    datasets_progress,
    datasets_verdict,
)
from chainrule.report.html.page import render_template
from chainrule.report.html.protocol import protocol_facts, randomness_facts, run_facts
from chainrule.report.sentences import progress_sentence
from chainrule.report.tables.datasets import datasets_comparisons_table, datasets_table
from chainrule.report.tables.findings import findings_table
from chainrule.report.tables.results import results_table

if TYPE_CHECKING:
    from chainrule.report.html.page_figures import PageFigure
    from chainrule.statistics import DatasetsComparisons
    from chainrule.study import DatasetsResult

__all__ = ["render_datasets_page", "write_datasets_page"]


def write_datasets_page(result: DatasetsResult, path: str | Path) -> None:
    """Write the page in place of what was there, atomically. Raises OSError naming the path."""
    write_atomically(path, render_datasets_page(result).encode())


def render_datasets_page(result: DatasetsResult) -> str:
    """The page of a study over several data sets, finished or not, as HTML."""
    comparisons, why_not = None, ""
    try:
        comparisons = result.comparisons
    except ValueError as error:
        why_not = f"Not compared: {error}."
    tables = {"datasets": datasets_table(result)}
    if comparisons is not None:
        tables["comparisons"] = datasets_comparisons_table(result, comparisons)
    content = {
        "study": {"name": result.name, "summary": result.study.summary},
        "opening": datasets_opening(result),
        "progress": datasets_progress(result),
        "verdict": datasets_verdict(result, comparisons),
        "tables": tables,
        "why_not": why_not,
        "figures": _build_figures(comparisons),
        "parts": [_build_part(name, ReportData(of)) for name, of in result.datasets.items()],
    }
    return render_template("datasets.html.jinja", content)


def _build_figures(comparisons: DatasetsComparisons | None) -> list[PageFigure]:
    """The critical differences, of three arms or more."""
    from chainrule.report.figures import critical_differences
    from chainrule.report.html.page_figures import build_page_figure

    if comparisons is None or (ranking := comparisons.ranking) is None:
        return []
    caption = (
        f"Mean ranks over these {ranking.n} data sets, the best at the left. A bar joins arms no "
        "two of which differ at 5% by Wilcoxon's test, after Holm's correction for all pairs."
    )
    drawn = critical_differences(ranking)
    name = "critical-differences"
    return [build_page_figure("comparisons", name, caption, drawn, ranking.as_rows())]


def _build_part(name: str, data: ReportData) -> dict[str, Any]:
    """What the page has of one data set."""
    scope = [data.result.design.scope, data.search_scope] if data.arms else []
    findings = replace(findings_table(data.review), name=f"findings-{name}")
    results = results_table(data).drop_empty_columns() if data.arms else None
    return {
        "name": name,
        "progress": progress_sentence(data),
        "scope": [sentence for sentence in scope if sentence],
        "results": replace(results, name=f"results-{name}") if results is not None else None,
        "findings": findings if findings.cells else None,
        "found": count_noun(len(findings.rows), "finding"),
        "facts": [*protocol_facts(data), *randomness_facts(data)],
        "runs": run_facts(data),
        "toml": data.study.to_toml(),
    }
