"""Figures, tables and the page of results; it reads results and nothing else."""

from chainrule.report.boxes import boxes
from chainrule.report.calibration import calibration
from chainrule.report.curves import curves, learning_curves
from chainrule.report.export import as_csv, as_json, as_latex, as_markdown
from chainrule.report.formats import Unit, unit_of
from chainrule.report.heat import heat_maps
from chainrule.report.intervals import differences, effect_sizes
from chainrule.report.layers import layers, layers_sheet, layers_table
from chainrule.report.metric import metric_sheet
from chainrule.report.page import render, write_page
from chainrule.report.panels import curve_grid
from chainrule.report.plane import plane
from chainrule.report.planes import plane_outputs, plane_predictions
from chainrule.report.plots import Plots
from chainrule.report.ranks import critical_differences
from chainrule.report.samples import samples
from chainrule.report.scatter import validation_against_test
from chainrule.report.sheet import Sheet
from chainrule.report.sheets import rows_of, sheet_of
from chainrule.report.tables import compare_table, effects_table, study_table

__all__ = [
    "Plots",
    "Sheet",
    "Unit",
    "as_csv",
    "as_json",
    "as_latex",
    "as_markdown",
    "boxes",
    "calibration",
    "compare_table",
    "critical_differences",
    "curve_grid",
    "curves",
    "differences",
    "effect_sizes",
    "effects_table",
    "heat_maps",
    "layers",
    "layers_sheet",
    "layers_table",
    "learning_curves",
    "metric_sheet",
    "plane",
    "plane_outputs",
    "plane_predictions",
    "render",
    "rows_of",
    "samples",
    "sheet_of",
    "study_table",
    "unit_of",
    "validation_against_test",
    "write_page",
]
