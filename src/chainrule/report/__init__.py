"""Figures, tables and the page of results; it reads results and nothing else.

Figures, and matplotlib with them, are imported when the first one is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from chainrule.report.html.page import render, write_page
from chainrule.report.numbers import Unit, unit_of
from chainrule.report.render.terminal import (
    compare_table,
    effects_table,
    layers_table,
    study_table,
)
from chainrule.report.render.text import as_csv, as_json, as_latex, as_markdown
from chainrule.report.tables.by_name import rows_of, sheet_of
from chainrule.report.tables.layers import layers_sheet
from chainrule.report.tables.metric import metric_sheet
from chainrule.report.tables.table import Table

if TYPE_CHECKING:
    from chainrule.report.figures import (
        boxes,
        calibration,
        critical_differences,
        curve_grid,
        curves,
        differences,
        effect_sizes,
        heat_maps,
        layers,
        learning_curves,
        plane,
        plane_outputs,
        plane_predictions,
        samples,
        validation_against_test,
    )

__all__ = [
    "Table",
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


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'chainrule.report' has no attribute {name!r}")
    return getattr(import_module("chainrule.report.figures"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
