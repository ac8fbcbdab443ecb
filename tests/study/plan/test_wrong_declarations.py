"""What is wrong in a declaration is an error of ours, or a line for an arm; never another error."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest

from chainrule.errors import ChainruleError
from chainrule.study import Study
from chainrule.study.plan.dry_run import find_problems
from chainrule.study.spec.components import find_component_problems
from chainrule.study.spec.own_files.csv_data import fill_net_sizes

POINTS: dict[str, Any] = {
    "name": "points",
    "rounds": 2,
    "epochs": 1,
    "batch_size": 20,
    "seed": 0,
    "clip_norm": 1.0,
    "ensemble_size": 1,
    "device": "cpu",
    "precision": "float32",
    "direction": "max",
    "failure_value": 0.0,
    "rope": 0.1,
    "baseline": "a",
    "metric": "accuracy",
    "metrics": {"accuracy": {"name": "Accuracy"}},
    "cohort_size": 2,
    "data": {"name": "disk_points", "train": 40, "test": 40, "rounds": "fresh", "folds": 5},
    "net": {"name": "plane_net", "hidden": 4, "layers": 2, "activation": "Tanh", "norm": True},
    "loss": {"name": "CrossEntropyLoss", "weight": [1, 2], "label_smoothing": 0.1},
    "optimizer": {"name": "Adam", "betas": [0.9, 0.99], "eps": 1e-8, "amsgrad": False},
    "schedule": {"name": "StepLR", "step_size": 2, "gamma": 0.5, "every": "epoch"},
    "init": {"name": "Normal", "std": 0.3},
    "arms": {"a": {}, "b": {"optimizer": {"name": "SGD", "momentum": 0.5, "nesterov": True}}},
    "space": {"optimizer.lr": [0.1, 0.2], "net.hidden": {"low": 3, "high": 4, "integer": True}},
    "search": {"method": "random", "candidates": 2, "batch": 2, "each_round": True},
    "selection": {"split": "holdout", "fraction": 0.3, "folds": 3, "stratify": True},
    "reported": {"a": {"mean": 0.5}},
    "quick": {"rounds": 2, "net": {"hidden": 3}},
}

CARS: dict[str, Any] = {
    "name": "cars",
    "rounds": 2,
    "epochs": 1,
    "batch_size": 99,
    "direction": "min",
    "failure_value": 40.0,
    "metrics": {"rmse": "RootMeanSquaredError"},
    "data": {
        "name": "table",
        "target": "mpg",
        "test": 0.3,
        "ignore": ["name"],
        "rounds": "resplit",
        "missing": "median",
        "standardize": "feature",
        "standardize_target": True,
    },
    "net": {"name": "table_net", "inputs": 9, "hidden": 3, "layers": 1},
    "loss": {"name": "HuberLoss", "delta": 1.0, "reduction": "mean"},
    "optimizer": {"name": "RMSprop", "lr": 0.01, "alpha": 0.9, "momentum": 0.3},
    "schedule": {"name": "OneCycleLR", "max_lr": 0.1, "total_steps": 40, "every": "step"},
    "arms": {
        "a": {},
        "b": {"batch_size": 300, "schedule": {"name": "CosineAnnealingLR", "T_max": 3}},
    },
}

ROWS: dict[str, Any] = {
    "name": "rows",
    "rounds": 2,
    "epochs": 1,
    "batch_size": 20,
    "data": {
        "name": "table",
        "target": "kind",
        "test": 0.3,
        "rounds": "folds",
        "folds": 3,
        "ignore": ["town"],
        "na": ["?"],
        "decimal": ".",
        "encoding": "utf-8",
        "task": "classification",
        "missing": "median",
        "standardize": "feature",
    },
    "net": {"name": "table_net", "hidden": 3, "layers": 1},
    "loss": "CrossEntropyLoss",
    "optimizer": {"name": "Adam", "lr": 0.01},
    "selection": {"split": "kfold", "folds": 3, "stratify": True},
    "arms": {"a": {}, "b": {"net": {"hidden": 4}}},
}
"""Of a table of one's own, whose place is given when it is written."""


@pytest.fixture(scope="module", autouse=True)
def table(tmp_path_factory):
    """A file of numbers and texts, as ``ROWS`` names it."""
    path = tmp_path_factory.mktemp("table") / "rows.csv"
    rows = [f"{i * i % 7},{'ab'[i % 2]},{'XYZ'[i % 3]},{i * 13 % 17}.5" for i in range(60)]
    path.write_text("\n".join(["size,town,kind,price", *rows]))
    ROWS["data"] |= {"csv": str(path), "sha256": sha256(path.read_bytes()).hexdigest()}


VALUES = [
    *(None, True, False, 0, 1, -1, 2, 1.5, -0.5, 1e9, 1e300, 10**12, 10**30),
    *(math.inf, -math.inf, math.nan, "", "text", "relu", "gpu", "cpu", "größer\n", b"x", object()),
    *([], [1], [1, 2], [1, 2, 3], ["a"], [[1]], [math.nan], (1, 2)),
    *({}, {"a": 1}, {"name": "x"}, {"name": 3}, {"name": "chainrule.nn:Linear"}, {1: 2}),
    *("latin-1", "utf-16", ",", "price", ["size"], ["size", "price"], "regression", "0" * 64),
    *({"name": "os:getcwd"}, {"values": [1]}, {"low": 0, "high": 1}),
]
NAMES = [
    *("lr", "x", "trian", "name", "hidden", "", "a.b", "params", "self", "replicas", "net", "seed"),
    *("kwargs", "cls", "last_epoch", "optimizer", "csv", "sha256", "goal", "epoch"),
]


def find_places(section: dict[str, Any], place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, inner in section.items():
        yield (*place, name)
        if isinstance(inner, dict):
            yield from find_places(inner, (*place, name))


def change_one(seed: int) -> dict[str, Any]:
    """A declaration with another value, without a field, with another name or a field more."""
    draw = random.Random(seed)
    declared = copy.deepcopy(draw.choice([POINTS, CARS, ROWS]))
    *place, name = draw.choice([*find_places(declared)])
    section = declared
    for key in place:
        section = section[key]
    change = draw.choices(["value", "none", "name", "more"], [7, 1, 1, 1])[0]
    old = section.pop(name)
    if change == "more":
        section[name] = old
    if change != "none":
        other = draw.choice(NAMES) if change in ("name", "more") else name
        section[other] = old if change == "name" else draw.choice(VALUES)
    return declared


def check_declaration(declared: dict[str, Any]) -> None:
    """It is a study whose arms are said to fail or not, or an error of ours in few lines."""
    try:
        study = fill_net_sizes(Study(**declared))
        assert Study.from_toml(study.to_toml()).digest == study.digest
        said = find_problems(study)
        assert all(text for _, text in find_component_problems(study.as_dict(), study.space))
    except (ChainruleError, FileNotFoundError) as error:
        said = str(error).splitlines()
    assert len(said) <= 4
    for line in said:
        assert "pydantic" not in line
        assert "Error: " not in line
        assert line.strip()


def test_what_is_right_is_right():
    assert find_problems(Study(**POINTS)) == []
    assert find_problems(Study(**CARS)) == []
    assert find_problems(fill_net_sizes(Study(**ROWS))) == []


@pytest.mark.parametrize("seed", range(8))
def test_one_thing_that_is_wrong_is_said_in_a_few_lines(seed):
    for i in range(20):
        check_declaration(change_one(20 * seed + i))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 150))
def test_one_of_many_things_that_are_wrong_is_said_in_a_few_lines(seed):
    for i in range(60):
        check_declaration(change_one(1000 * seed + i))
