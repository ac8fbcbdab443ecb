"""``chainrule train``: what it takes, says, saves, and how it ends."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from itertools import count

import numpy as np
import pytest
import torch

from chainrule import load
from chainrule.estimators import Predictor
from chainrule.optim import Adam
from tests.data.mnist_files import write_split

NETS = """\
from chainrule import nn

def mlp(inputs, outputs, hidden=5):
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))

def points(seed, n=40):
    from chainrule.data import moons
    return moons(n, seed=seed), moons(n, seed=seed + 1)

def two(seed):
    from chainrule.data import Dataset, moons
    data = moons(40, seed=seed)
    return Dataset(data.inputs, {"a": data.targets, "b": data.targets}), data

def one(seed):
    from chainrule.data import moons
    return moons(40, seed=seed)
"""

QUICK = ("--epochs", "3", "--json")


@pytest.fixture
def nets(tmp_path):
    """A file of functions of one's own; its module's name is new in each test."""
    path = tmp_path / f"nets_{tmp_path.name}.py"
    path.write_text(NETS)
    yield path.name
    sys.modules.pop(path.stem, None)


@pytest.fixture
def flowers(tmp_path):
    draw = np.random.default_rng(5)
    lines = ["id,petal,colour,kind"]
    for i in range(60):
        kind, x = ("iris", draw.normal(1)) if i % 3 else ("rose", draw.normal(6))
        colour = "" if i % 10 == 7 else draw.choice(["red", "blue"])
        lines.append(f"{i},{'NA' if i % 10 == 3 else x},{colour},{'' if i == 9 else kind}")
    path = tmp_path / "flowers.csv"
    path.write_text("\n".join(lines))
    return path


def test_the_summary_is_on_stdout_and_all_else_on_stderr(call, flowers):
    code, out, err = call("train", "table_net", flowers, "--target", "kind", "--lr", "0.05")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines() if line[0] != " "] == [
        *("net", "data", "training", "computed", "validation", "test", "file")
    ]
    assert "always 'iris' would be accuracy" in out
    assert "\x1b" not in out + err
    assert err.splitlines()[:2] == [
        "kind: missing in 1 of 60 rows, left out",
        "kind: 2 different texts, so classification",
    ]
    assert "id: left out, it numbers the rows" in err
    assert re.search(r"petal: missing in \d of 38 rows", err)
    assert "colour: text, one-hot, 3 levels" in err


@pytest.mark.parametrize("columns", [80, 40])
def test_the_summary_fits_the_terminal(call, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, _ = call("train", "plane_net", "disk_points", "--epochs", "1")
    assert (code, max(map(len, out.splitlines())) <= columns) == (0, True)
    said = "800 rows to learn from, 200 for validation, 1,000 for the test training 1 epoch"
    assert said in " ".join(out.split())


def test_as_json_it_says_all_and_saves_it(call, flowers, tmp_path):
    code, out, _ = call("train", "table_net", flowers, "--target", "kind", *QUICK, "-o", "n.st")
    found = json.loads(out)
    assert code == 0
    assert found["rows"] == {"learned": 38, "validation": 9, "test": 12}
    assert found["epochs"] == 3
    assert (found["task"], found["baseline"], found["file"]) == ("classification", "iris", "n.st")
    assert 0 <= found["test"]["accuracy"] <= 1
    predictor = Predictor.load(tmp_path / "n.st")
    assert predictor.target == "kind"
    assert sum(p.data.numel() for p in predictor.net.parameters()) == found["parameters"]


def test_a_number_is_regression_in_its_own_unit(call):
    code, out, err = call("train", "table_net", "auto_mpg", "--target", "mpg", "--json")
    found = json.loads(out)
    assert code == 0
    assert err.startswith("mpg: 127 different numbers, so regression (else: --task classif")
    assert list(found["test"]) == ["rmse", "mae"]
    assert found["loss"] == "MSELoss"
    assert found["baseline"] == pytest.approx(23.5, abs=1)
    assert found["test"]["rmse"] < 0.6 * found["test_of_baseline"]["rmse"]


def test_the_task_may_be_told(call):
    told = ("--task", "classification", "--target", "cylinders", *QUICK)
    _, out, err = call("train", "table_net", "auto_mpg", *told)
    assert err.startswith("cylinders: classification, as told")
    assert json.loads(out)["task"] == "classification"
    told = ("--task", "regression", "--target", "cylinders", *QUICK)
    assert json.loads(call("train", "table_net", "auto_mpg", *told)[1])["task"] == "regression"


def test_the_same_command_gives_the_same_net_and_another_seed_another(call, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        call("train", "plane_net", "disk_points", *QUICK, "--seed", seed, "-o", name)
    a, b, c = (
        torch.cat([*map(torch.flatten, load(tmp_path / n).state_dict().values())]) for n in "abc"
    )
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_settings_reach_every_part(call, tmp_path):
    settings = {
        "net.hidden": "7",
        "net.activation": "Tanh",
        "init": "HeNormal",
        "optimizer.momentum": "0.9",
        "schedule": "StepLR",
        "schedule.step_size": "1",
        "data.train": "60",
        "data.test": "30",
    }
    given = [word for path, value in settings.items() for word in ("--set", f"{path}={value}")]
    how = ("--optimizer", "SGD", "--lr", "0.1", "--loss", "MSELoss", "--batch-size", "10")
    code, out, _ = call("train", "plane_net", "disk_points", *given, *how, *QUICK)
    found = json.loads(out)
    assert code == 0
    assert found["rows"] == {"learned": 48, "validation": 12, "test": 30}
    assert found["loss"] == "MSELoss"
    text = repr(load(tmp_path / found["file"]))
    assert text.count("Linear(7, 7, init=HeNormal") == 2
    assert text.count("Tanh") == 3


def test_a_file_of_ones_own_makes_net_and_data(call, nets, tmp_path):
    code, out, _ = call("train", f"{nets}:mlp", f"{nets}:points", "--set", "data.n=50", *QUICK)
    found = json.loads(out)
    assert code == 0
    assert found["rows"] == {"learned": 40, "validation": 10, "test": 50}
    assert found["file"] == "runs/mlp.safetensors"
    assert "Linear(2, 5)" in repr(load(tmp_path / found["file"]))


def test_npz_and_idx_files(call, nets, tmp_path):
    x = np.random.default_rng(1).normal(size=(50, 3))
    np.savez(tmp_path / "a.npz", inputs=x, targets=x[:, 0] * 3)
    found = json.loads(call("train", f"{nets}:mlp", "a.npz", *QUICK)[1])
    assert (found["task"], found["rows"]["test"]) == ("regression", 10)
    (tmp_path / "mnist").mkdir()
    for split in ("train", "test"):
        write_split(tmp_path / "mnist", split, 40)
    code, out, _ = call("train", "digit_net", "mnist", "--set", "net.channels=[2]", *QUICK)
    assert code == 0
    assert json.loads(out)["rows"] == {"learned": 32, "validation": 8, "test": 40}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("plane_net", "nosuch"), "no data 'nosuch'; built in: auto_mpg, "),
        (("plane_net", "disk_point"), "did you mean 'disk_points'?"),
        (("plane_net", "nosuch.csv"), "nosuch.csv: no such file or folder"),
        (("plane_net", "auto_mpg"), "say which column to tell, --target COLUMN: mpg, cylinders,"),
        (("plane_net", "auto_mpg", "--target", "mgp"), "no column 'mgp'; did you mean 'mpg'?"),
        (("plane_net", "auto_mpg", "--target", "mpg"), "Linear(2, 25): expected input (…, 2), got"),
        (("plane_net", "disk_points", "--target", "x"), "--target names a column of a CSV file"),
        (("plane_ne", "disk_points"), "net 'plane_ne' is not known; did you mean 'plane_net'"),
        (("plane_net", "disk_points", "--optimizer", "Adm"), "optimizer 'Adm' is not known"),
        (
            ("plane_net", "disk_points", "--set", "net.hiden=3"),
            "no argument 'hiden'; did you mean 'hidden'",
        ),
        (("plane_net", "disk_points", "--set", "nett.hidden=3"), "did you mean 'net'?"),
        (("plane_net", "disk_points", "--set", "data=3"), "--set data: expected PART.ARGUMENT="),
        (
            ("plane_net", "auto_mpg", "--set", "data.n=3", "--target", "mpg"),
            "takes no such argument",
        ),
        (("plane_net", "pairs"), "pairs: several targets (main, first, second); a study trains"),
        (
            ("class_loss", "disk_points"),
            "net 'class_loss' is not known, but loss 'class_loss' is; expected",
        ),
        (("nosuch.py:f", "disk_points"), "nosuch.py:f: no file nosuch.py"),
        (
            ("table_net", "auto_mpg", "--target", "mpg", "--loss", "CrossEntropyLoss"),
            "CrossEntropyLoss is a loss of classes, but the target is taken for a number",
        ),
        (
            ("table_net", "auto_mpg", "--target", "origin", "--task", "regression"),
            "expected targets that are numbers, got 'usa'",
        ),
        (
            ("table_net", "auto_mpg", "--target", "name"),
            "301 different texts in 392 targets, too many for classes",
        ),
        (
            ("table_net", "auto_mpg", "--target", "mpg", "--optimizer", "SGD", "--lr", "1e9"),
            "the training diverged in epoch 1, step",
        ),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_saved(call, tmp_path, words, message):
    code, out, err = call("train", *words)
    assert (code, out) == (1, "")
    assert err.splitlines()[-1].startswith("chainrule: ")
    assert message in err
    assert not [*tmp_path.rglob("*.safetensors")]


def test_a_setting_without_a_value_is_a_wrong_call(call):
    code, _, err = call("train", "plane_net", "disk_points", "--set", "hidden")
    assert code == 2
    assert "expected PART.ARGUMENT=VALUE, such as net.hidden=50, got 'hidden'" in err


def test_shares_are_shares(call):
    code, _, err = call("train", "plane_net", "disk_points", "--validation", "2")
    assert code == 2
    assert "--validation" in err


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("two", "several targets (a, b)"),
        ("one", "expected it to make (train, test), two data sets"),
        ("nosuch", "has no function 'nosuch'"),
    ],
)
def test_data_of_ones_own_that_do_not_fit(call, nets, function, message):
    code, _, err = call("train", "plane_net", f"{nets}:{function}")
    assert code == 1
    assert message in err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 +", "SyntaxError: invalid syntax"),
        ("x = y", "NameError: name 'y' is not defined"),
        ("raise SystemExit(3)", "it ends the program as it is imported, sys.exit(3): put what a"),
    ],
)
def test_a_file_that_does_not_run_is_named(call, tmp_path, text, message):
    (tmp_path / "broken_file.py").write_text(text)
    code, _, err = call("train", "broken_file.py:net", "disk_points")
    assert code == 1
    assert f"broken_file.py:net: cannot import broken_file.py ({message}" in err


def test_a_file_named_as_another_module_is_refused(call, tmp_path):
    (tmp_path / "json.py").write_text(NETS)
    code, _, err = call("train", "json.py:mlp", "disk_points")
    assert code == 1
    assert "python has another module 'json': rename the file" in err


def test_an_interrupt_keeps_the_best_epoch(call, tmp_path, monkeypatch):
    step, steps = Adam.step, count()

    def interrupt_in_third_epoch(self, *args, **options):
        if next(steps) == 60:
            raise KeyboardInterrupt
        return step(self, *args, **options)

    monkeypatch.setattr(Adam, "step", interrupt_in_third_epoch)
    code, out, err = call("train", "plane_net", "disk_points", "--json")
    assert code == 130
    assert err.splitlines()[-1] == "interrupted: the net of the best epoch so far is kept"
    assert json.loads(out)["epochs"] == 2
    assert (tmp_path / "runs" / "plane_net.safetensors").exists()


@pytest.mark.slow
def test_a_real_signal_ends_within_two_seconds_and_keeps_the_best(tmp_path):
    words = ("train", "plane_net", "disk_points", "--epochs", "100000", "--patience", "100000")
    process = subprocess.Popen(
        [sys.executable, "-m", "chainrule", *words], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    try:
        process.stderr.readline()  # what is taken for the task: the training begins
        time.sleep(2)
        start = time.perf_counter()
        process.send_signal(signal.SIGINT)
        said = process.stderr.readline()
        taken = time.perf_counter() - start
        assert process.wait(30) == 130
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert taken < 2
    assert said == "interrupted: the net of the best epoch so far is kept\n"
    assert Predictor.load(tmp_path / "runs" / "plane_net.safetensors").loss == "CrossEntropyLoss"


def test_a_file_that_could_not_be_written_is_refused_before_the_training(call, tmp_path):
    (tmp_path / "there").mkdir()
    code, _, err = call("train", "plane_net", "disk_points", "-o", "there", "--epochs", "10000000")
    assert (code, err) == (1, "chainrule: there: is a folder: choose another file with -o\n")
