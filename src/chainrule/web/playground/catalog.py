"""What can be chosen in the playground, with the values that it begins with; and the lessons."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from chainrule.data.datasets.toy2d import PROBLEMS
from chainrule.zoo.activations import KNOWN

__all__ = ["START", "build_catalog", "load_lessons"]

ACTIVATIONS = ("ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Tanh", "Sigmoid", "Softplus")
"""Before all others, in the order in which they are met."""

LAYERS: dict[str, list[dict[str, Any]]] = {
    "Linear": [{"name": "units", "value": 10, "min": 1, "max": 1024, "step": 1}],
    "Dropout": [{"name": "p", "value": 0.3, "min": 0, "max": 0.95, "step": 0.05}],
    "BatchNorm1d": [],
    "LayerNorm": [],
    "Conv2d": [
        {"name": "channels", "value": 8, "min": 1, "max": 64, "step": 1},
        {"name": "kernel", "value": 3, "min": 1, "max": 9, "step": 1},
    ],
    "BatchNorm2d": [],
    "MaxPool2d": [{"name": "size", "value": 2, "min": 2, "max": 4, "step": 1}],
    "AvgPool2d": [{"name": "size", "value": 2, "min": 2, "max": 4, "step": 1}],
    "Flatten": [],
}
"""Layer → its arguments, but for the sizes of what comes in."""

LOSSES = {
    "classification": ("CrossEntropyLoss", "MSELoss", "BCEWithLogitsLoss", "MultiMarginLoss"),
    "regression": ("MSELoss", "L1Loss", "HuberLoss", "SmoothL1Loss"),
}

OPTIMIZERS = {"SGD": 0.1, "Adam": 0.01, "AdamW": 0.01, "RMSprop": 0.01, "Adagrad": 0.05}
"""Optimizer → the learning rate that it is offered with."""

INITS = ("HeNormal", "HeUniform", "XavierNormal", "XavierUniform", "Orthogonal", "Normal", "Zeros")
"""Beside PyTorch's own way, with which a page begins."""

START: dict[str, Any] = {
    "data": {
        "name": "plane_points",
        "problem": "disk",
        "train": 500,
        "test": 500,
        "standardize": "feature",
    },
    "sides": [
        {
            "net": {
                "name": "sequential_net",
                "layers": [["Linear", 25], "ReLU", ["Linear", 25], "ReLU", ["Linear", 25], "ReLU"],
            },
            "loss": {"name": "CrossEntropyLoss"},
            "optimizer": {"name": "SGD", "lr": 0.1},
            "batch_size": 50,
        }
    ],
    "seeds": 32,
}
"""What a page begins with: the net of the disk."""


def build_catalog() -> dict[str, Any]:
    """All of it, as JSON data; CSV files are those beside which the app was started."""
    return {
        "problems": [*PROBLEMS],
        "activations": [*ACTIVATIONS, *(name for name in KNOWN if name not in ACTIVATIONS)],
        "layers": LAYERS,
        "losses": {kind: [*names] for kind, names in LOSSES.items()},
        "optimizers": OPTIMIZERS,
        "inits": [*INITS],
        "csv_files": sorted(path.name for path in Path().glob("*.csv"))[:100],
        "start": START,
        "lessons": load_lessons(),
    }


@cache
def load_lessons() -> list[dict[str, Any]]:
    """The guided pages in their order, their settings whole."""
    text = files("chainrule.web.playground").joinpath("lessons.toml").read_text(encoding="utf-8")
    lessons: list[dict[str, Any]] = tomllib.loads(text)["lesson"]
    for lesson in lessons:
        for part in (lesson, lesson["try"]):
            part["setting"] = {**START, **part["setting"]}
    return lessons
