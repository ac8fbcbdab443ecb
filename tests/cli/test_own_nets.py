"""Nets of the user's own, of classes of the user's own, wherever the command line takes a net."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Call

MODULE = '''
import torch

from chainrule import nn
from chainrule.nn.parameter import Parameter


class Shift(nn.Module):
    """y = x + b"""

    def __init__(self, features):
        self.features = features
        self.bias = Parameter(torch.zeros(features), nn.init.Zeros())

    def forward(self, x):
        bias = self.bias

        def backward(g):
            bias.grad.add_(g.sum(-2))
            return g

        return x + bias.data.unsqueeze(-2), backward


def my_net(inputs: int = 2, hidden: int = 3):
    return nn.Sequential(nn.Linear(inputs, hidden), Shift(hidden), nn.Tanh(), nn.Linear(hidden, 2))
'''

STUDY = """\
name = "own"
rounds = 1
epochs = 1
data = {name = "disk_points", train = 40, test = 40}
net = "mynets.py:my_net"
loss = "CrossEntropyLoss"
optimizer = "SGD"
arms = {small = {}, large = {net = {name = "mynets.py:my_net", hidden = 4}}}
"""


@pytest.fixture
def run(call: Call, tmp_path, monkeypatch) -> Call:
    """The command line in a folder with a module of the user's."""
    (tmp_path / "mynets.py").write_text(MODULE)
    monkeypatch.setattr(sys, "path", [*sys.path])

    def run(*words: str) -> tuple[int, str, str]:
        sys.modules.pop("mynets", None)  # as in a process of its own
        code, out, err = call(*words)
        return code, out, " ".join(err.split())

    yield run
    sys.modules.pop("mynets", None)


def test_what_was_trained_predicts_and_is_looked_at_where_its_module_is_trusted(run):
    code, _, err = run("train", "mynets.py:my_net", "disk_points", "--epochs", "2", "-o", "a.st")
    assert code == 0, err
    for words in (
        ("predict", "a.st", "disk_points"),
        ("explain", "a.st", "disk_points"),
        ("explain", "a.st"),
        ("check", "a.st"),
    ):
        code, _, err = run(*words)
        assert code == 1
        assert "it has classes of mynets, whose code loading it runs" in err
        code, out, err = run(*words, "--trust", "mynets.py")
        assert code == 0, err
        assert out


def test_a_study_names_a_file_beside_it_and_keeps_its_nets(run, tmp_path, monkeypatch):
    (tmp_path / "own.toml").write_text(STUDY)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    code, _, err = run("run", "../own.toml", "--nets", "nets", "-q", "--jobs", "2")
    assert code == 0, err
    code, out, err = run("show", "../own.toml")
    assert code == 0, err
    assert "large" in out
    assert len([*Path("nets").rglob("*.safetensors")]) == 2
    monkeypatch.chdir(tmp_path)
    net = "elsewhere/nets/large/round-000.safetensors"
    code, _, err = run("check", net, "--shape", "5,2", "--trust", "mynets")
    assert code == 0, err


def test_a_file_that_is_not_there_is_told_with_its_place(run, tmp_path):
    (tmp_path / "own.toml").write_text(STUDY.replace("mynets.py", "nosuch.py"))
    code, _, err = run("check-study", "own.toml")
    assert code == 1
    assert "no file nosuch.py" in err
    (tmp_path / "json.py").write_text(MODULE)
    (tmp_path / "own.toml").write_text(STUDY.replace("mynets.py", "json.py"))
    code, _, err = run("check-study", "own.toml")
    assert code == 1
    assert "python has another module 'json'" in err
