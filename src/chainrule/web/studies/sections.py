"""What a study's page shows, a section a tab."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import unified_diff
from functools import partial
from typing import Any

from chainrule.report.advice import advice_sentences
from chainrule.report.data import ReportData
from chainrule.report.figure_data import (
    ImagesData,
    boxes_data,
    curves_data,
    differences_data,
    effect_sizes_data,
    parallel_coordinates_data,
    wrong_samples_data,
)
from chainrule.report.figure_data.curves import curve_names
from chainrule.report.figure_data.search.search_maps import search_maps_data
from chainrule.report.html.protocol import protocol_facts, randomness_facts, run_facts
from chainrule.report.line_styles import line_style
from chainrule.report.numbers import MISSING, format_value
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
from chainrule.report.tables.plan import format_duration
from chainrule.report.tables.predictions import (
    calibration_table,
    confusion_table,
    intervals_table,
    sample_comparisons_table,
    wrong_samples_table,
)
from chainrule.report.tables.results import results_table
from chainrule.report.tables.table import Cell, Column, Table
from chainrule.study.execution.scheduling.stored_progress import (
    StoredProgress,
    read_stored_progress,
)
from chainrule.study.spec.changes import describe_changes
from chainrule.web.studies.blocks import (
    Block,
    figure_block,
    heading,
    optional,
    paragraphs,
    table_block,
)
from chainrule.web.studies.stores import StoredStudy

__all__ = ["SECTIONS", "describe_progress", "show_arm_tab", "show_changes"]

MAX_COHORTS = 12


def describe_progress(stored: StoredStudy) -> dict[str, Any]:
    """What stands above the tabs: what the study is, how far it is, and which tabs there are."""
    data, progress = stored.data, read_stored_progress(stored.result)
    done, total = progress.trainings
    left = progress.seconds_left if stored.state == "running" else None
    return {
        "name": data.study.name,
        "summary": data.study.summary,
        "opening": opening_sentence(data),
        "progress": progress_sentence(data),
        "state": stored.state,
        "holder": stored.holder,
        "digest": stored.record.digest,
        "part_of": data.study.part_of and data.study.part_of.model_dump(),
        "version": stored.version,
        "trainings": [done, total],
        "cohorts": len(progress.cohorts),
        "left": "" if left is None else format_duration(left),
        "arms": [
            {
                "name": arm.arm,
                "done": arm.done,
                "total": arm.total,
                "best": "" if arm.best is None else data.unit.quantity(arm.best),
            }
            for arm in progress.arms
        ],
        "latest": table_block(_cohorts_table(progress)),
        "sections": [name for name in SECTIONS if name != "Search" or data.study.space],
        "curves": curve_names(data.arms),
    }


def _cohorts_table(progress: StoredProgress) -> Table:
    return Table(
        "cohorts",
        "The cohorts that were trained last.",
        [
            Column("arm", numeric=False),
            Column("stage", numeric=False),
            Column("trainings"),
            Column("seconds"),
            Column("finished (UTC)", numeric=False),
        ],
        [
            [
                Cell(cohort.arm, cohort.arm),
                Cell(cohort.stage, cohort.stage),
                Cell(str(cohort.trainings), cohort.trainings),
                Cell(f"{cohort.seconds:.3g}", cohort.seconds),
                Cell(cohort.finished[:19].replace("T", " ") or MISSING, cohort.finished or None),
            ]
            for cohort in progress.cohorts[:MAX_COHORTS]
        ],
        [],
    )


def show_results_tab(data: ReportData) -> list[Block]:
    """What it says so far, and each round of each arm."""
    return [
        *optional(lambda: paragraphs(verdict_sentences(data, _compare(data)))),
        *optional(
            lambda: table_block(results_table(data)),
            lambda: _points_block(data),
        ),
    ]


def _points_block(data: ReportData) -> Block:
    caption = "A point a round; the line is the mean."
    means = {"means": [arm.mean for arm in data.arms]}
    return figure_block("points", boxes_data(data), caption) | means | _styles(data)


def _styles(data: ReportData) -> Block:
    """The look of each arm, the same in every figure, and when others have results too."""
    declared = [arm.name for arm in data.study.all_arms]
    styles = [line_style(declared.index(arm.arm)) for arm in data.arms]
    return {"styles": [{"color": of.color, "dashes": of.dashes} for of in styles]}


def _compare(data: ReportData) -> Any:
    """The comparisons; None where there is too little for them."""
    try:
        return data.comparisons if len(data.arms) > 1 else None
    except ValueError:
        return None


def show_curves_tab(data: ReportData) -> list[Block]:
    """A figure a curve that rows have, those of the test set first."""
    names = sorted(curve_names(data.arms), key=lambda name: not name.startswith("test_"))
    return optional(*(partial(_curves_block, data, name) for name in names)) or paragraphs(
        ["No curves yet."], quiet=True
    )


def _curves_block(data: ReportData, name: str) -> Block:
    caption = f"{name.replace('_', ' ')}: mean over rounds, in a band of ± one standard deviation."
    found = curves_data(data, name)
    return figure_block("curves", found, caption) | {"log": found.is_log} | _styles(data)


def show_search_tab(data: ReportData) -> list[Block]:
    """The candidates, as lines and in a table, and which settings mattered."""
    searched = [arm.name for arm in data.study.all_arms if arm.space]
    return [
        *paragraphs(budget_sentences(data)),
        *paragraphs(["A line a candidate; those that were chosen are thick."]),
        *optional(*(partial(_lines_block, data, name) for name in searched)),
        *optional(*(partial(_maps_block, data, name) for name in searched)),
        *optional(lambda: table_block(importance_table(data))),
        *optional(lambda: table_block(candidates_table(data))),
    ]


def _lines_block(data: ReportData, arm: str) -> Block:
    return figure_block("parallel", parallel_coordinates_data(data, arm), arm)


def _maps_block(data: ReportData, arm: str) -> Block:
    from chainrule.report.html.search_figures import draw_search_svg

    caption = f"{arm}: mean validation {data.study.metric_name} of its candidates."
    svg = draw_search_svg(search_maps_data(data, arm), caption)
    return {"kind": "svg", "caption": caption, "data": {"arm": arm, "svg": svg}}


SURE = "Thick: the interval by itself; thin: that of all tests at once. To the right is better."


def show_comparisons_tab(data: ReportData) -> list[Block]:
    """Which arms differ, by how much, and how sure that is."""
    made = optional(
        lambda: figure_block(
            "intervals", differences_data(data, data.comparisons), f"Differences. {SURE}"
        ),
        lambda: table_block(comparisons_table(data, data.comparisons)),
        lambda: table_block(robustness_table(data.comparisons)),
    )
    effects = optional(
        lambda: heading("Effects of the factors"),
        lambda: figure_block("intervals", effect_sizes_data(data), f"Effects. {SURE}"),
        lambda: table_block(effects_table(data)),
    )
    samples = data.prediction_data.sample_comparisons
    return [
        *made,
        *(effects if data.study.factors else []),
        *([table_block(sample_comparisons_table(data, samples))] if samples else []),
    ]


def show_trouble_tab(data: ReportData) -> list[Block]:
    """Trainings that diverged, failed or were stuck, each with its reason; what a review finds."""
    tables = [make(data) for make in (diverged_table, failed_table, stuck_table)]
    found = [table_block(table) for table in tables if table.cells]
    if not found:
        found = paragraphs(["No training diverged, failed or was stuck."])
    review = optional(lambda: table_block(findings_table(data.review)))
    return [*found, heading("Review"), *review]


def show_declaration_tab(data: ReportData) -> list[Block]:
    """What was declared, how it was run, and on what."""
    facts = [("Protocol", protocol_facts), ("Randomness", randomness_facts)]
    runs = run_facts(data)
    return [
        {"kind": "changes"},
        {"kind": "code", "text": data.study.to_toml()},
        *(
            {"kind": "facts", "title": title, "facts": make(data)}
            for title, make in facts
            if data.arms
        ),
        *(
            {"kind": "facts", "title": f"Run {i} of {len(runs)}", "facts": run}
            for i, run in reversed([*enumerate(runs, 1)])
        ),
    ]


SECTIONS: Mapping[str, Callable[[ReportData], list[Block]]] = {
    "Results": show_results_tab,
    "Curves": show_curves_tab,
    "Search": show_search_tab,
    "Comparisons": show_comparisons_tab,
    "Trouble": show_trouble_tab,
    "Declaration": show_declaration_tab,
}
"""The tabs of every study; an arm has one of its own beside them."""


def show_arm_tab(data: ReportData, name: str) -> list[Block]:
    """One arm: its rounds; where predictions were kept, how sure it is and where it is wrong."""
    arm = data.result.arm(name)
    blocks = [table_block(_rounds_table(data, name))]
    if name not in data.result.by_sample.arms:
        note = "No predictions of it are kept; a run keeps them that is told --keep predictions."
        return [*blocks, *paragraphs([note], quiet=True)]
    decided = {name: data.prediction_data.decisions.get(name)}
    decisions = {arm: found for arm, found in decided.items() if found is not None}
    blocks += optional(lambda: table_block(_select_rows(intervals_table(data), name)))
    blocks += paragraphs(s for s in advice_sentences(data) if s.startswith(f"{arm.arm}: "))
    if not decisions:
        return [*blocks, *optional(lambda: paragraphs([*data.prediction_data.require_decisions()]))]
    return [
        *blocks,
        heading("Wrong samples"),
        *optional(lambda: show_wrong_images(data, name)),
        table_block(wrong_samples_table(decisions)),
        heading("Confusion"),
        {**table_block(confusion_table(decisions)), "kind": "confusion"},
        *optional(lambda: table_block(calibration_table(decisions))),
    ]


def show_wrong_images(data: ReportData, arm: str) -> Block:
    """The images that it decided wrongly. Raises ValueError where the samples are none."""
    found = wrong_samples_data(data, arm)
    if not isinstance(found, ImagesData):
        raise ValueError(f"study {data.study.name}: its samples are no images")
    return figure_block("images", found)


def _select_rows(table: Table, arm: str) -> Table:
    """The rows of one arm, whose name is in the first column."""
    cells = [row for row in table.cells if row[0].text == arm]
    return Table(table.name, table.caption, table.columns, cells, [], table.notes)


def _rounds_table(data: ReportData, name: str) -> Table:
    arm, metric = data.result.arm(name), data.study.metric_name
    return Table(
        "rounds",
        f"{name}: test {metric}{' in %' if data.unit.suffix else ''} in each round.",
        [
            Column("round"),
            Column(metric),
            Column("status", numeric=False),
            Column("setting", numeric=False),
            Column("epochs"),
            Column("cohort"),
            Column("note", numeric=False),
        ],
        [
            [
                Cell(str(row.round), row.round),
                Cell(data.unit.number(value), value),
                Cell(row.status, row.status),
                Cell(
                    ", ".join(f"{path} {format_value(x)}" for path, x in row.setting.items())
                    or MISSING,
                    None,
                ),
                Cell(str(row.epochs), row.epochs),
                Cell(str(row.cohort_size), row.cohort_size),
                Cell(row.note or MISSING, row.note or None),
            ]
            for value, row in zip(arm.values, arm.rows, strict=True)
        ],
        [],
    )


def show_changes(old: StoredStudy, new: StoredStudy) -> list[Block]:
    """In what two declarations differ: field by field, and line by line."""
    a, b = old.data.study, new.data.study
    changes = [*describe_changes(a, b)]
    if not changes:
        return paragraphs(["Both declare the same."])
    pairs = [change.partition(": ")[::2] for change in changes]
    lines = unified_diff(
        a.to_toml().splitlines(), b.to_toml().splitlines(), a.name, b.name, lineterm="", n=2
    )
    return [
        {"kind": "facts", "title": "Fields that differ", "facts": pairs},
        {"kind": "code", "text": "\n".join(lines), "diff": True},
    ]
