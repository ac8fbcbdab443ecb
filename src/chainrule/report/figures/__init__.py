"""Figures of results, nets and data; each function returns the figure and its axes.

Of each figure ``x`` there is ``x_data``, its numbers, in :mod:`chainrule.report.figure_data`;
``draw_x``, which draws them into axes, or a figure of several; and ``x``, the two together.
"""

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
from chainrule.report.figures.nets.parameters import draw_filters, draw_weights, filters, weights
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

__all__ = [
    "activations",
    "boxes",
    "calibration",
    "confusion",
    "critical_differences",
    "curve_grid",
    "curves",
    "differences",
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
    "expected_validation",
    "filters",
    "importances",
    "layers",
    "learning_curves",
    "plane",
    "plane_outputs",
    "plane_predictions",
    "reliability",
    "samples",
    "search_maps",
    "validation_against_test",
    "weights",
    "wrong_samples",
]
