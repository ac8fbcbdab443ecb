"""chainrule export, and the nets that it and check take."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx
import torch

from chainrule import load, nn, save
from tests.cli.conftest import Call

NETS = """
from chainrule import nn


def my_net():
    return nn.Sequential(nn.Linear(3, 4), nn.Heads(a=nn.Linear(4, 1), b=nn.Linear(4, 2)))


def sized(inputs):
    return nn.Linear(inputs, 2)
"""


@pytest.fixture
def run(call: Call, tmp_path, monkeypatch) -> Call:
    """The command line in a folder with a module of the user's."""
    (tmp_path / "mynets.py").write_text(NETS)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "mynets", None)
    del sys.modules["mynets"]  # and what the test imports is taken away again after it
    return call


def read_metadata(path) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def test_a_function_of_ones_own(run):
    assert run("export", "mynets.py:my_net", "-o", "a.onnx", "--shape", "1,3")[0] == 0
    assert [output.name for output in onnx.load("a.onnx").graph.output] == ["a", "b"]
    assert read_metadata("a.onnx") == {"net": "mynets.py:my_net"}


def test_a_saved_net_and_one_of_a_cohort(run):
    net = nn.Linear(3, 2).replicate(2, [1, 2])
    save(net, "two.safetensors", {"kind": "cohort"})
    code, _, err = run("export", "two.safetensors", "-o", "a.onnx", "--shape", "1,3")
    assert code == 1
    assert "export one replica" in err
    words = ("export", "two.safetensors", "-o", "a.onnx", "--shape", "1,3", "--replica", "1")
    assert run(*words)[0] == 0
    weight = onnx.numpy_helper.to_array(onnx.load("a.onnx").graph.initializer[0])
    assert torch.equal(torch.from_numpy(weight.copy()), net.replica(1).weight.data)
    assert read_metadata("a.onnx") == {"kind": "cohort"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["disk", "-o", "a.txt"], "ends in .onnx, got a.txt"),
        (["disk", "-o", "a.onnx", "--preprocess"], "--preprocess is for a file that chainrule tr"),
        (["disk", "-o", "a.onnx", "--replica", "0"], "is not a cohort"),
        (["mynets.py:my_net", "-o", "a.onnx"], "say the shape of an input"),
        (["mynets.py:sized", "-o", "a.onnx", "--shape", "1,3"], "argument 'inputs' is missing"),
        (["mynets.py:my_nett", "-o", "a.onnx", "--shape", "1,3"], "did you mean 'my_net'"),
        (["nope", "-o", "a.onnx"], "no file nope"),
        (["disk", "-o", "no/such/a.onnx"], "no/such"),
        (["disk"], "expected one of -o FILE.onnx and --folder DIR"),
        (["disk", "-o", "a.onnx", "--folder", "a"], "expected one of -o FILE.onnx and --folder"),
        (["disk", "--folder", "a", "--shape", "5,2"], "--shape goes with -o FILE.onnx"),
        (["disk", "--folder", "a", "--preprocess"], "--preprocess is for a file that chainrule"),
        (["disk", "-o", "a.onnx", "--overwrite"], "--license and --overwrite go with --folder"),
        (["disk", "--folder", "a", "--license", "a b"], "license: expected a name such as bsd"),
        (["disk", "--folder", "no/such"], "no/such"),
        (["disk", "--folder", "."], "it has mynets.py: overwrite=True"),
        (["nope", "--folder", "a"], "no file nope"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_exported_is_told(run, words, message):
    code, _, err = run("export", *words)
    assert code in (1, 2)
    assert message in " ".join(err.split())
    assert "Traceback" not in err


def test_a_net_of_a_study_says_where_it_comes_from(run):
    Path("small.toml").write_text(
        'name = "small"\nrounds = 1\nepochs = 1\ndata = {name = "disk_points", train = 40, test = '
        '40}\nnet = {name = "plane_net", hidden = 3}\nloss = "CrossEntropyLoss"\n'
        'optimizer = "SGD"\narms = {one = {}}\n'
    )
    assert run("run", "small.toml", "--nets", "nets", "-q")[0] == 0
    path = "nets/one/round-000.safetensors"
    assert run("export", path, "-o", "a.onnx", "--shape", "1,2")[0] == 0
    found = read_metadata("a.onnx")
    assert (found["study"], found["arm"], json.loads(found["round"])) == ("small", "one", 0)
    assert {"digest", "seed", "commit"} <= {*found}


def test_check_takes_a_function_of_ones_own(run):
    code, out, _ = run("check", "mynets.py:my_net", "--shape", "5,3")
    assert code == 0
    assert "ok" in out
    assert "the whole net" in out


def test_a_folder_is_what_the_file_was(run):
    Path("cars.csv").write_text(
        "a,b,sum\n" + "\n".join(f"{i % 7},{i % 5},{i % 7 + i % 5}.5" for i in range(60))
    )
    words = ("train", "table_net", "cars.csv", "--target", "sum", "--epochs", "2", "-q")
    assert run(*words, "-o", "net.safetensors")[0] == 0
    words = ("export", "net.safetensors", "--folder", "sums", "--license", "CC0-1.0")
    assert run(*words, "--preprocess")[0] == 0
    for words in (["predict"], ["explain"]):
        code, expected, _ = run(*words, "net.safetensors", "cars.csv")
        assert code == 0
        found = run(*words, "sums", "cars.csv")
        assert found[:2] == (0, expected.replace("net.safetensors", "sums"))
    assert run("check", "sums")[0] == 0
    assert run("export", "sums", "-o", "a.onnx", "--preprocess")[0] == 0
    assert [each.name for each in onnx.load("a.onnx").graph.input] == ["a", "b"]
    page = Path("sums/README.md").read_text()
    for fact in ("target | sum", "net | table_net", "data | cars.csv", "seed | 0"):
        assert f"| {fact} |" in page
    assert "chainrule predict sums new.csv" in page
    assert 'chainrule.estimators.Predictor.load("sums")' in page
    code, _, err = run("export", "sums", "--folder", "sums")
    assert code == 1
    assert "--overwrite, replaces" in err
    assert run("export", "sums", "--folder", "sums", "--overwrite")[0] == 0
    Path("sums/config.json").write_text("{}")
    code, _, err = run("predict", "sums", "cars.csv")
    assert code == 1
    assert "sums/config.json: model_type" in err


def test_a_folder_of_a_layer_of_ones_own_and_of_a_replica(run):
    Path("mynets.py").write_text(
        "from chainrule import nn\n\nclass Twice(nn.Module):\n    def forward(self, x):\n"
        "        return 2 * x, lambda g: 2 * g\n\ndef my_net():\n"
        "    return nn.Sequential(nn.Linear(3, 2), Twice())\n"
    )
    assert run("export", "mynets.py:my_net", "--folder", "own")[0] == 0
    code, _, err = run("check", "own", "--shape", "5,3")
    assert code == 1
    assert "--trust mynets" in err
    assert run("check", "own", "--shape", "5,3", "--trust", "mynets")[0] == 0
    assert 'trust=["mynets"]' in Path("own/README.md").read_text()
    net = nn.Linear(3, 2).replicate(2, [1, 2])
    save(net, "two.safetensors")
    assert run("export", "two.safetensors", "--folder", "one", "--replica", "1")[0] == 0
    assert torch.equal(load("one").weight.data, net.replica(1).weight.data)
