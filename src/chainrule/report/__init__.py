"""Figures, tables and the page of results; it reads results and nothing else.

Figures, and matplotlib with them, are imported when the first one is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from chainrule.report.advice import advice_sentences
from chainrule.report.data import CandidateSummary, ReportData
from chainrule.report.datasets_sentences import (
    datasets_opening,
    datasets_progress,
    datasets_verdict,
)
from chainrule.report.html.datasets_page import render_datasets_page, write_datasets_page
from chainrule.report.html.page import render_page, write_page
from chainrule.report.numbers import Unit, metric_unit
from chainrule.report.render.terminal import RichTable
from chainrule.report.render.text import as_csv, as_json, as_latex, as_markdown
from chainrule.report.sentences import opening_sentence, progress_sentence, verdict_sentences
from chainrule.report.tables.build import build_table
from chainrule.report.tables.candidates import candidates_table
from chainrule.report.tables.comparisons import comparisons_table, robustness_table
from chainrule.report.tables.datasets import datasets_comparisons_table, datasets_table
from chainrule.report.tables.diverged import diverged_table
from chainrule.report.tables.effects import effects_table
from chainrule.report.tables.ensembles import ensemble_sentence, ensembles_table
from chainrule.report.tables.findings import findings_table
from chainrule.report.tables.importance import importance_table
from chainrule.report.tables.layers import layers_table
from chainrule.report.tables.long import long_table
from chainrule.report.tables.metric import metric_table
from chainrule.report.tables.plan import datasets_plan_table, plan_table
from chainrule.report.tables.predictions import (
    build_prediction_table,
    calibration_table,
    confusion_table,
    intervals_table,
    sample_comparisons_table,
    wrong_samples_table,
)
from chainrule.report.tables.results import results_table
from chainrule.report.tables.table import Cell, Column, Table
from chainrule.report.tables.targets import targets_table, time_to_target_table

if TYPE_CHECKING:
    from chainrule.report.figures import (
        activations,
        boxes,
        calibration,
        confusion,
        critical_differences,
        curve_grid,
        curves,
        differences,
        draw_activations,
        draw_boxes,
        draw_calibration,
        draw_confusion,
        draw_critical_differences,
        draw_curve_grid,
        draw_curves,
        draw_expected_validation,
        draw_filters,
        draw_forest_plot,
        draw_importances,
        draw_layers,
        draw_plane,
        draw_plane_outputs,
        draw_plane_predictions,
        draw_reliability,
        draw_samples,
        draw_search_maps,
        draw_validation_against_test,
        draw_weights,
        draw_wrong_samples,
        effect_sizes,
        expected_validation,
        filters,
        importances,
        layers,
        learning_curves,
        plane,
        plane_outputs,
        plane_predictions,
        reliability,
        samples,
        search_maps,
        validation_against_test,
        weights,
        wrong_samples,
    )

__all__ = [
    "CandidateSummary",
    "Cell",
    "Column",
    "ReportData",
    "RichTable",
    "Table",
    "Unit",
    "activations",
    "advice_sentences",
    "as_csv",
    "as_json",
    "as_latex",
    "as_markdown",
    "boxes",
    "build_prediction_table",
    "build_table",
    "calibration",
    "calibration_table",
    "candidates_table",
    "comparisons_table",
    "confusion",
    "confusion_table",
    "critical_differences",
    "curve_grid",
    "curves",
    "datasets_comparisons_table",
    "datasets_opening",
    "datasets_plan_table",
    "datasets_progress",
    "datasets_table",
    "datasets_verdict",
    "differences",
    "diverged_table",
    "draw_activations",
    "draw_boxes",
    "draw_calibration",
    "draw_confusion",
    "draw_critical_differences",
    "draw_curve_grid",
    "draw_curves",
    "draw_expected_validation",
    "draw_filters",
    "draw_forest_plot",
    "draw_importances",
    "draw_layers",
    "draw_plane",
    "draw_plane_outputs",
    "draw_plane_predictions",
    "draw_reliability",
    "draw_samples",
    "draw_search_maps",
    "draw_validation_against_test",
    "draw_weights",
    "draw_wrong_samples",
    "effect_sizes",
    "effects_table",
    "ensemble_sentence",
    "ensembles_table",
    "expected_validation",
    "filters",
    "findings_table",
    "importance_table",
    "importances",
    "intervals_table",
    "layers",
    "layers_table",
    "learning_curves",
    "long_table",
    "metric_table",
    "metric_unit",
    "opening_sentence",
    "plan_table",
    "plane",
    "plane_outputs",
    "plane_predictions",
    "progress_sentence",
    "reliability",
    "render_datasets_page",
    "render_page",
    "results_table",
    "robustness_table",
    "sample_comparisons_table",
    "samples",
    "search_maps",
    "targets_table",
    "time_to_target_table",
    "validation_against_test",
    "verdict_sentences",
    "weights",
    "write_datasets_page",
    "write_page",
    "wrong_samples",
    "wrong_samples_table",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'chainrule.report' has no attribute {name!r}")
    return getattr(import_module("chainrule.report.figures"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
