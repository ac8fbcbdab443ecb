"""An error in the user's own file shows their lines, whatever the command is."""

from __future__ import annotations

import sys

import pytest

from tests.cli.conftest import TINY

OWN = """\
from chainrule import nn

def net(inputs=2, outputs=2):
    return nn.Linear({}["hidden"], 2)

class Layer(nn.Module):
    def forward(self, x):
        return x[7:] / {}, None

def deep(inputs=2, outputs=2):
    return nn.Sequential(nn.Linear(2, 2), Layer())

def data(seed=0):
    return [1][3]
"""
BROKEN = "TABLE = {}\nTABLE['lost']\n"
NO_PYTHON = "def net(:\n"

NET = "own.py:4, in net: return nn.Linear({}["
DATA = "own.py:14, in data: return [1][3]"
LAYER = "own.py:8, in forward: return x[7:] / {}, None"


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A module with errors, and studies that name them."""
    for name, text in {"own": OWN, "broken": BROKEN, "no_python": NO_PYTHON}.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        monkeypatch.delitem(sys.modules, name, raising=False)  # that of another test
    for name, old, new in (
        ("net", '"disk_net"', '"own:net"'),
        ("deep", '"disk_net"', '"own:deep"'),
        ("data", '"disk_points"', '"own:data"'),
        ("broken", '"disk_net"', '"broken:net"'),
    ):
        text = TINY.replace(old, new).replace("hidden = 4\n", "").replace("net.hidden = 7", "")
        text = text.replace("train = 40\ntest = 40\n", "")
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("command", ["check-study", "plan", "run"])
@pytest.mark.parametrize(
    ("name", "line"),
    [("net", NET), ("deep", LAYER), ("data", DATA), ("broken", "broken.py:2, in <module>: TABLE")],
)
def test_of_a_study(call, own, command, name, line):
    code, out, err = call(command, f"{name}.toml")
    assert (code, out) == (1, "")
    assert err.count(line) == 1


@pytest.mark.parametrize("command", ["train", "explain"])
@pytest.mark.parametrize(
    ("net", "data", "line"),
    [
        ("own.py:net", "disk_points", NET),
        ("disk_net", "own.py:data", DATA),
        ("broken.py:net", "disk_points", "broken.py:2, in <module>: TABLE"),
        ("no_python.py:net", "disk_points", "no_python.py:1, in <module>: def net(:"),
    ],
)
def test_of_one_net(call, own, command, net, data, line):
    code, out, err = call(command, net, data)
    assert (code, out) == (1, "")
    assert err.count(line) == 1


def test_of_a_study_in_python(call, own):
    assert "broken.py:2, in <module>: TABLE['lost']" in call("run", "broken.py:study")[2]


def test_of_a_kind_that_nobody_foresaw(call, own, monkeypatch):
    def load(name):
        raise RuntimeError("not foreseen")

    monkeypatch.setattr("chainrule.study.builtin.load_builtin", load)
    code, _, err = call("list")
    assert code == 1
    assert err.startswith("chainrule: RuntimeError: not foreseen\n")
    assert 'in load: raise RuntimeError("not foreseen")' in err
