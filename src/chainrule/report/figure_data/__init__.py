"""What each figure shows, as plain data: numbers and labels, without matplotlib.

``boxes_data(result)`` is what :func:`chainrule.report.boxes` draws; ``as_dict()`` of any of them is
JSON data, for a page or a web app.
"""

from chainrule.report.figure_data.base import FigureData
from chainrule.report.figure_data.boxes import BoxesData, boxes_data
from chainrule.report.figure_data.calibration import CalibrationData, calibration_data
from chainrule.report.figure_data.critical_difference import (
    CriticalDifferencesData,
    critical_differences_data,
)
from chainrule.report.figure_data.curve_grid import CurveGridData, curve_grid_data
from chainrule.report.figure_data.curves import (
    Curve,
    CurvesData,
    curves_data,
    learning_curves_data,
)
from chainrule.report.figure_data.forest_plots import (
    ForestPlotData,
    differences_data,
    effect_sizes_data,
)
from chainrule.report.figure_data.nets.activations import ActivationsData, activations_data
from chainrule.report.figure_data.nets.decision_maps import (
    PlaneOutputsData,
    PlanePredictionsData,
    plane_outputs_data,
    plane_predictions_data,
)
from chainrule.report.figure_data.nets.layers import LayersData, layers_data
from chainrule.report.figure_data.nets.parameters import (
    FiltersData,
    WeightsData,
    filters_data,
    weights_data,
)
from chainrule.report.figure_data.nets.plane import PlaneData, plane_data
from chainrule.report.figure_data.reliability import (
    ConfusionData,
    ReliabilityData,
    confusion_data,
    reliability_data,
)
from chainrule.report.figure_data.samples import (
    HistogramsData,
    ImagesData,
    PointsData,
    samples_data,
)
from chainrule.report.figure_data.search.importance import ImportancesData, importances_data
from chainrule.report.figure_data.search.parallel_coordinates import (
    ParallelCoordinatesData,
    parallel_coordinates_data,
)
from chainrule.report.figure_data.search.search_maps import SearchMapsData, search_maps_data
from chainrule.report.figure_data.search.validation import (
    ExpectedValidationData,
    ValidationData,
    expected_validation_data,
    validation_against_test_data,
)
from chainrule.report.figure_data.wrong_samples import WrongPointsData, wrong_samples_data

__all__ = [
    "ActivationsData",
    "BoxesData",
    "CalibrationData",
    "ConfusionData",
    "CriticalDifferencesData",
    "Curve",
    "CurveGridData",
    "CurvesData",
    "ExpectedValidationData",
    "FigureData",
    "FiltersData",
    "ForestPlotData",
    "HistogramsData",
    "ImagesData",
    "ImportancesData",
    "LayersData",
    "ParallelCoordinatesData",
    "PlaneData",
    "PlaneOutputsData",
    "PlanePredictionsData",
    "PointsData",
    "ReliabilityData",
    "SearchMapsData",
    "ValidationData",
    "WeightsData",
    "WrongPointsData",
    "activations_data",
    "boxes_data",
    "calibration_data",
    "confusion_data",
    "critical_differences_data",
    "curve_grid_data",
    "curves_data",
    "differences_data",
    "effect_sizes_data",
    "expected_validation_data",
    "filters_data",
    "importances_data",
    "layers_data",
    "learning_curves_data",
    "parallel_coordinates_data",
    "plane_data",
    "plane_outputs_data",
    "plane_predictions_data",
    "reliability_data",
    "samples_data",
    "search_maps_data",
    "validation_against_test_data",
    "weights_data",
    "wrong_samples_data",
]
