"""The report of a study as one HTML page that needs nothing else: no network, no other file."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from chainrule.report.html.protocol import diverged_sheet, protocol, randomness, runs_of, times
from chainrule.report.numbers import unit_of
from chainrule.report.render.text import as_csv, as_json, as_latex, as_markdown
from chainrule.report.sentences import opening, progress, verdict
from chainrule.report.tables.candidates import candidates_sheet
from chainrule.report.tables.comparisons import comparisons_sheet, effects_sheet, robust_sheet
from chainrule.report.tables.results import results_sheet
from chainrule.report.tables.table import Table
from chainrule.serialization.safetensors_file import write_atomically

if TYPE_CHECKING:
    from chainrule.statistics import Comparisons, Effects
    from chainrule.study.results.study_result import StudyResult

__all__ = ["render", "write_page"]

T = TypeVar("T")
MOST_CANDIDATES = 2000
FORMATS = {
    "CSV": (as_csv, "csv", "text/csv"),
    "JSON": (as_json, "json", "application/json"),
    "LaTeX": (as_latex, "tex", "application/x-tex"),
    "Markdown": (as_markdown, "md", "text/markdown"),
}


def write_page(result: StudyResult, path: str | Path) -> None:
    """Write the page in place of what was there, atomically. Raises OSError naming the path."""
    write_atomically(path, render(result).encode())


def render(result: StudyResult) -> str:
    """The page of a study, finished or not, as HTML."""
    from jinja2 import Environment, StrictUndefined

    home = files("chainrule.report.html")
    texts = {name: home.joinpath(name).read_text("utf-8") for name in ("page.css", "page.js")}
    page = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).from_string(home.joinpath("page.html.jinja").read_text("utf-8"))
    return page.render(**_content(result), css=texts["page.css"], js=texts["page.js"])


def _content(result: StudyResult) -> dict[str, Any]:
    from chainrule.report.html.page_figures import page_figures

    comparisons, why_not = _tried(result, result.compare, at_least=2)
    effects, _ = _tried(result, result.effects, at_least=2)
    shown = page_figures(result, comparisons, effects)
    return {
        "result": result,
        "study": result.study,
        "opening": opening(result),
        "progress": progress(result),
        "verdict": verdict(result, comparisons),
        "scope": comparisons.design.scope if comparisons else "",
        "why_not": why_not,
        "sheets": {sheet.name: sheet for sheet in _sheets(result, comparisons, effects)},
        "pictures": lambda group: [p for p in shown if p.group == group],
        "protocol": protocol(result),
        "randomness": randomness(result),
        "times": times(result),
        "runs": runs_of(result),
        "downloads": _downloads,
        "data_uri": data_uri,
        "most_candidates": MOST_CANDIDATES,
    }


def _tried(result: StudyResult, make: Callable[[], T], *, at_least: int) -> tuple[T | None, str]:
    """What can be computed from so few results, or why it cannot."""
    if len(result.arms) < at_least:
        return None, f"There are results of {len(result.arms)} arms: nothing to compare yet."
    try:
        return make(), ""
    except ValueError as error:
        return None, f"Not compared: {error}."


def _sheets(
    result: StudyResult, comparisons: Comparisons | None, effects: Effects | None
) -> list[Table]:
    """The tables that these results allow."""
    unit, goal = unit_of(result), result.study.goal
    found = [diverged_sheet(result)]
    if result.arms:
        found.append(results_sheet(result))
    if comparisons is not None:
        found += [comparisons_sheet(comparisons, unit, goal=goal), robust_sheet(comparisons)]
    if effects is not None:
        found.append(effects_sheet(effects, unit, goal=goal))
    if any(row.stage == "search" for row in result.rows):
        found += [candidates_sheet(result, only_chosen=True), candidates_sheet(result)]
    return [sheet for sheet in found if sheet.cells]


def _downloads(sheet: Table) -> list[tuple[str, str, str]]:
    """(format, file name, address) each."""
    return [
        (name, f"{sheet.name}.{ending}", data_uri(write(sheet), kind))
        for name, (write, ending, kind) in FORMATS.items()
    ]


def data_uri(text: str, kind: str = "text/csv") -> str:
    """An address that holds the text itself."""
    return f"data:{kind};charset=utf-8;base64,{b64encode(text.encode()).decode()}"
