"""Figures of results, nets and data; each function returns the figure and its axes."""

from chainrule.report.figures.boxes import boxes
from chainrule.report.figures.calibration import calibration
from chainrule.report.figures.critical_difference import critical_differences
from chainrule.report.figures.curves import curves, learning_curves
from chainrule.report.figures.decision_maps import plane_outputs, plane_predictions
from chainrule.report.figures.forest_plots import differences, effect_sizes
from chainrule.report.figures.layers import layers
from chainrule.report.figures.panels import curve_grid
from chainrule.report.figures.plane import plane
from chainrule.report.figures.samples import samples
from chainrule.report.figures.scatter import validation_against_test
from chainrule.report.figures.search_maps import heat_maps

__all__ = [
    "boxes",
    "calibration",
    "critical_differences",
    "curve_grid",
    "curves",
    "differences",
    "effect_sizes",
    "heat_maps",
    "layers",
    "learning_curves",
    "plane",
    "plane_outputs",
    "plane_predictions",
    "samples",
    "validation_against_test",
]
