"""What holds for the data of every figure: JSON data that needs no matplotlib."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from chainrule import nn
from chainrule.data import bullseye, digits
from chainrule.report.figure_data import (
    FigureData,
    boxes_data,
    calibration_data,
    critical_differences_data,
    curve_grid_data,
    curves_data,
    differences_data,
    effect_sizes_data,
    layers_data,
    plane_data,
    samples_data,
    search_maps_data,
    validation_against_test_data,
)
from chainrule.statistics import rank_arms
from chainrule.train import layer_stats
from tests.report.tables.test_metric import covering


def test_it_needs_no_matplotlib():
    code = "import sys, chainrule.report.figure_data; print('matplotlib' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == "False"


OF_A_RESULT = {
    "boxes": boxes_data,
    "curves": curves_data,
    "curve grid": curve_grid_data,
    "differences": differences_data,
    "effect sizes": effect_sizes_data,
    "search maps": lambda result: search_maps_data(result, "mlp"),
    "validation": validation_against_test_data,
    "calibration": lambda _: calibration_data(covering()),
    "critical differences": lambda _: critical_differences_data(
        rank_arms({"a": [0.9, 0.8], "b": [0.5, 0.6], "c": [0.4, 0.5]})
    ),
    "layers": lambda _: layers_data({"a": layer_stats(nn.Linear(2, 2), torch.ones(3, 2))}),
    "plane": lambda _: plane_data(nn.Linear(2, 1).initialize(0), bullseye(9, seed=0), points=5),
    "points": lambda _: samples_data(bullseye(9, seed=0)),
    "images": lambda _: samples_data(digits().subset(torch.arange(3))),
}


@pytest.mark.parametrize("name", OF_A_RESULT)
def test_it_is_json_data(result, name):
    data = OF_A_RESULT[name](result).as_dict()
    assert json.loads(json.dumps(data, allow_nan=False)) == data


@dataclass(frozen=True)
class Sample(FigureData):
    array: np.ndarray
    pair: tuple[float, str]


def test_arrays_are_lists_and_what_is_not_finite_is_none():
    sample = Sample(np.array([[1.0, np.nan]]), (float("inf"), "a"))
    assert sample.as_dict() == {"array": [[1.0, None]], "pair": [None, "a"]}
