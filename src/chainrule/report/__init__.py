"""Figures, tables and the page of results; it reads results and nothing else.

Figures, and matplotlib with them, are imported when the first one is used.
"""

from typing import TYPE_CHECKING

from chainrule._util.lazy_names import import_when_used

if TYPE_CHECKING:
    from chainrule.report.advice import advice_sentences
    from chainrule.report.data import CandidateSummary, ReportData
    from chainrule.report.datasets_sentences import (
        datasets_opening,
        datasets_progress,
        datasets_verdict,
    )
    from chainrule.report.figures.boxes import boxes, draw_boxes
    from chainrule.report.figures.calibration import calibration, draw_calibration
    from chainrule.report.figures.critical_difference import (
        critical_differences,
        draw_critical_differences,
    )
    from chainrule.report.figures.curve_grid import curve_grid, draw_curve_grid
    from chainrule.report.figures.curves import curves, draw_curves, learning_curves
    from chainrule.report.figures.forest_plots import differences, draw_forest_plot, effect_sizes
    from chainrule.report.figures.nets.activations import activations, draw_activations
    from chainrule.report.figures.nets.decision_maps import (
        draw_plane_outputs,
        draw_plane_predictions,
        plane_outputs,
        plane_predictions,
    )
    from chainrule.report.figures.nets.layers import draw_layers, layers
    from chainrule.report.figures.nets.parameters import (
        draw_filters,
        draw_weights,
        filters,
        weights,
    )
    from chainrule.report.figures.nets.plane import draw_plane, plane
    from chainrule.report.figures.reliability import (
        confusion,
        draw_confusion,
        draw_reliability,
        reliability,
    )
    from chainrule.report.figures.samples import draw_samples, samples
    from chainrule.report.figures.search.importance import draw_importances, importances
    from chainrule.report.figures.search.search_maps import draw_search_maps, search_maps
    from chainrule.report.figures.search.validation import (
        draw_expected_validation,
        draw_validation_against_test,
        expected_validation,
        validation_against_test,
    )
    from chainrule.report.figures.wrong_samples import draw_wrong_samples, wrong_samples
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
else:
    __getattr__, __dir__ = import_when_used(
        __name__,
        {
            ".advice": "advice_sentences",
            ".data": "CandidateSummary ReportData",
            ".datasets_sentences": "datasets_opening datasets_progress datasets_verdict",
            ".figures.boxes": "boxes draw_boxes",
            ".figures.calibration": "calibration draw_calibration",
            ".figures.critical_difference": "critical_differences draw_critical_differences",
            ".figures.curve_grid": "curve_grid draw_curve_grid",
            ".figures.curves": "curves draw_curves learning_curves",
            ".figures.forest_plots": "differences draw_forest_plot effect_sizes",
            ".figures.nets.activations": "activations draw_activations",
            ".figures.nets.decision_maps": (
                "draw_plane_outputs draw_plane_predictions plane_outputs plane_predictions"
            ),
            ".figures.nets.layers": "draw_layers layers",
            ".figures.nets.parameters": "draw_filters draw_weights filters weights",
            ".figures.nets.plane": "draw_plane plane",
            ".figures.reliability": "confusion draw_confusion draw_reliability reliability",
            ".figures.samples": "draw_samples samples",
            ".figures.search.importance": "draw_importances importances",
            ".figures.search.search_maps": "draw_search_maps search_maps",
            ".figures.search.validation": (
                "draw_expected_validation draw_validation_against_test expected_validation "
                "validation_against_test"
            ),
            ".figures.wrong_samples": "draw_wrong_samples wrong_samples",
            ".html.datasets_page": "render_datasets_page write_datasets_page",
            ".html.page": "render_page write_page",
            ".numbers": "Unit metric_unit",
            ".render.terminal": "RichTable",
            ".render.text": "as_csv as_json as_latex as_markdown",
            ".sentences": "opening_sentence progress_sentence verdict_sentences",
            ".tables.build": "build_table",
            ".tables.candidates": "candidates_table",
            ".tables.comparisons": "comparisons_table robustness_table",
            ".tables.datasets": "datasets_comparisons_table datasets_table",
            ".tables.diverged": "diverged_table",
            ".tables.effects": "effects_table",
            ".tables.ensembles": "ensemble_sentence ensembles_table",
            ".tables.findings": "findings_table",
            ".tables.importance": "importance_table",
            ".tables.layers": "layers_table",
            ".tables.long": "long_table",
            ".tables.metric": "metric_table",
            ".tables.plan": "datasets_plan_table plan_table",
            ".tables.predictions": (
                "build_prediction_table calibration_table confusion_table intervals_table "
                "sample_comparisons_table wrong_samples_table"
            ),
            ".tables.results": "results_table",
            ".tables.table": "Cell Column Table",
            ".tables.targets": "targets_table time_to_target_table",
        },
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
