"""A wrong value ends in a sentence: the field, the value, what would be right; by every way in."""

from __future__ import annotations

import math
import re

import pytest
import tomli_w

from chainrule.recipes.recipe import deep_merge
from tests.study.small import SEARCH

STUDY = {
    "name": "wrong",
    "rounds": 2,
    "epochs": 1,
    "batch_size": 20,
    "loss": {"name": "CrossEntropyLoss"},
    "optimizer": {"name": "Adam"},
    "data": {"name": "disk_points", "train": 40, "test": 40},
    "net": {"name": "plane_net", "hidden": 4},
}

WRONG = {
    "gpu": ({"device": "gpu"}, "device: expected cpu.*, got 'gpu'"),
    "cuda": ({"device": "cuda:99"}, "device: expected cpu.*, got 'cuda:99'"),
    "activation": ({"net": {"activation": "relu"}}, "no activation 'relu'; did you mean 'ReLU'"),
    "weights": ({"loss": {"weight": [1, 17, 3]}}, "expected one class for each weight, got 2 cl"),
    "words": ({"loss": {"weight": ["a", 1]}}, r"weight: expected a list of numbers.*\['a', 1"),
    "nan": ({"loss": {"weight": [math.nan, 1]}}, "loss.weight.0: expected a finite number, got n"),
    "clip": ({"clip_norm": -1}, "clip_norm: expected more than 0, got -1"),
    "no clip": ({"clip_norm": math.inf}, "clip_norm: expected a finite number, got inf"),
    "inf": ({"optimizer": {"lr": math.inf}}, "optimizer.lr: expected a finite number, got inf"),
    "lr": ({"optimizer": {"lr": -1}}, "lr: expected a finite number, at least 0, got -1"),
    "betas": ({"optimizer": {"betas": [0.9, 2.0]}}, r"betas\[1\]: expected at least 0 and below 1"),
    "no epochs": ({"epochs": 0}, "epochs: expected at least 1, got 0"),
    "no batch": ({"batch_size": 0}, "batch_size: expected at least 1, got 0"),
    "half": ({"batch_size": 1.5}, "batch_size: expected a whole number, got 1.5"),
    "hidden": ({"net": {"hidden": -1}}, "hidden: expected a whole number, 0 or more, got -1"),
    "large": ({"net": {"hidden": 10**12}}, r"hidden=1000000000000\): it is too large for the mem"),
    "layers": ({"net": {"layers": 1.5}}, "layers: expected a whole number, got 1.5"),
    "argument": ({"net": {"hiden": 4}}, "no argument 'hiden'; did you mean 'hidden'"),
    "init": ({"init": "He"}, "init 'He' is not known; did you mean 'HeNormal'"),
    "spread": ({"init": {"name": "Normal", "std": -1}}, "std: expected at least 0, got -1"),
    "samples": ({"data": {"train": 0}}, "expected samples to learn from, got 0"),
    "tests": ({"data": {"test": 0}}, "expected samples to test on, got 0"),
    "folds": ({"data": {"rounds": "folds", "folds": 99}}, "data.folds: .* at most 80, .* got 99"),
    "splits": (
        {**SEARCH, "selection": {"split": "kfold", "folds": 99}},
        "selection.folds: expected at most 40, the samples, got 99",
    ),
    "no net": ({"net": 3}, "net: expected a name, or a table with one, got 3"),
    "direction": ({"direction": "maximize"}, "got 'maximize'; did you mean 'max'"),
    "metrics": ({"metrics": ["Accuracy"]}, r"metrics: expected a table.*, got \['Accuracy'\]"),
    "batches of a space": (
        {**SEARCH, "space": {"batch_size": [20, 0]}},
        "batch_size: expected at least 1, got 0",
    ),
    "rates of a space": (
        {**SEARCH, "space": {"optimizer.lr": [0.1, -1]}},
        "lr: expected a finite number, at least 0, got -1",
    ),
    "stratify": (
        {**SEARCH, "selection": {"stratify": "shade"}},
        "selection.stratify: expected true or false, .*, got 'shade'",
    ),
}


@pytest.mark.parametrize(("changes", "message"), WRONG.values(), ids=[*WRONG])
def test_check_study_plan_and_run_refuse_it_by_the_same_sentence(call, tmp_path, changes, message):
    declared = deep_merge(STUDY, changes)
    (tmp_path / "wrong.toml").write_text(tomli_w.dumps(declared), encoding="utf-8")
    said = set()
    for command, *more in (("check-study",), ("plan",), ("run", "--jobs", "1")):
        code, _, err = call(command, "wrong.toml", *more)
        assert code == 1
        assert "pydantic" not in err
        lines = [
            line.removeprefix("chainrule: ").removeprefix("wrong.toml: ").strip()
            for line in err.splitlines()
        ]
        said |= {line for line in lines if re.search(message, line)}
    assert len(said) == 1
    assert not (tmp_path / "runs" / "wrong.sqlite").exists()


def test_arms_that_fail_are_said_by_plan_which_plans_the_others(call, tmp_path):
    declared = STUDY | {"arms": {"good": {}, "bad": {"net": {"hidden": -1}}}}
    (tmp_path / "wrong.toml").write_text(tomli_w.dumps(declared), encoding="utf-8")
    code, out, err = call("plan", "wrong.toml")
    assert code == 1
    assert "arm bad: net plane_net(hidden=-1): hidden: expected a whole number, 0 or more" in err
    assert "good" in out
    assert call("plan", "wrong.toml", "--arms", "good")[0] == 0


NEAR = {
    "metric": (("show", "tiny", "--metric", "acc"), "no metric 'acc'; did you mean 'accuracy'"),
    "baseline": (("compare", "tiny", "--baseline", "smal"), "the baseline; did you mean 'small'"),
    "arm": (("run", "tiny.toml", "--arms", "smal"), "no arm matches 'smal'; did you mean 'small'"),
    "figure": (("plot", "tiny", "boxs"), "no run 'boxs'.*kinds of figures: did you mean 'boxes'"),
    "format": (("show", "tiny", "--format", "jso"), "'jso' is not one of .* did you mean 'json'"),
    "study": (("run", "tiny.tml"), "no study 'tiny.tml'; did you mean 'tiny.toml'"),
    "built-in net": (("explain", "dep"), "no built-in net; did you mean 'deep'"),
    "word": (("show", "tiny", "--study", "one"), "tiny has no data sets; expected a number"),
    "rounds": (("run", "tiny.toml", "--rounds", "0"), "expected at least 1, got '?0"),
    "data": (("run", "tiny.toml", "--data", "trian=3"), "'trian'; did you mean 'train'"),
    "setting": (("train", "plane_net", "disk_points", "--set", "lr=3"), "mean 'optimizer.lr'"),
    "option": (("train", "plane_net", "disk_points", "--set", "epochs=3"), "own, --epochs"),
    "near option": (("train", "plane_net", "disk_points", "--set", "epoch=3"), "own, --epochs"),
    "rate": (
        ("train", "plane_net", "disk_points", "--lr", "nan"),
        "optimizer.lr: expected a finite number, got nan",
    ),
    "bound": (
        ("train", "plane_net", "disk_points", "--set", "clip_norm=-1"),
        "clip_norm: expected more than 0, got -1",
    ),
    "activation": (
        ("train", "disk_net", "disk_points", "--set", "net.activation=relu"),
        "no activation 'relu'; did you mean 'ReLU'",
    ),
    "weights": (
        ("train", "plane_net", "disk_points", "--set", "loss.weight=[1, 17, 3]"),
        "expected one class for each weight, got 2 classes",
    ),
}


@pytest.mark.parametrize(("words", "message"), NEAR.values(), ids=[*NEAR])
def test_a_near_name_or_what_would_be_right_is_said(call, tiny, finished, words, message):
    code, _, err = call(*words)
    assert code in (1, 2)
    assert re.search(message, err)
    assert "Input should" not in err


@pytest.mark.parametrize("command", ["check-study", "run", "plan", "show"])
def test_a_file_that_is_not_there_is_told_without_the_systems_number(call, command):
    assert call(command, "none.toml") == (
        1,
        "",
        "chainrule: none.toml: No such file or directory\n",
    )
