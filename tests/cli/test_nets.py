"""``chainrule check``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chainrule import nn, save
from chainrule.estimators.inspection import SMALL_NETS


@pytest.mark.parametrize(("net", "lines"), [("disk", 9), ("pairs", 12)])
def test_built_in_nets_are_right(call, net, lines):
    code, out, err = call("check", net)
    assert code == 0
    assert not err
    assert len(out.splitlines()) == lines
    assert all(re.match(r"ok    \d\.\de-\d\d  ", line) for line in out.splitlines())
    assert out.splitlines()[-1].endswith("the whole net")


def test_the_paths_of_the_layers_are_shown(call):
    _, out, _ = call("check", "disk")
    assert [line.split(None, 2)[2] for line in out.splitlines()[:2]] == [
        "0  Linear(2, 25)",
        "1  ReLU()",
    ]


@pytest.fixture
def saved(tmp_path) -> Path:
    path = tmp_path / "net.safetensors"
    save(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)), path)
    return path


def test_a_saved_net_is_checked(call, saved):
    code, out, _ = call("check", saved, "--shape", "5,3")
    assert code == 0
    assert "BatchNorm1d(4)" in out
    assert len(out.splitlines()) == 4


def test_a_saved_net_needs_a_shape(call, saved):
    code, out, err = call("check", saved)
    assert (code, out) == (1, "")
    assert err == (
        f"chainrule: {saved} is a saved net: say the shape of an input, e.g. --shape 5,2\n"
    )


def test_a_shape_that_does_not_fit_names_the_layer(call, saved):
    code, _, err = call("check", saved, "--shape", "5,2")
    assert code == 1
    assert err == "chainrule: Sequential[0] Linear(3, 4): expected input (…, 3), got (5, 2)\n"


@pytest.mark.parametrize(
    "shape", ["5,x", ",", "5;2", "5.0,2", "5,,2", "-1,2", "0,2", "99999999999999,2"]
)
def test_a_shape_is_whole_numbers_with_commas(call, shape):
    code, out, err = call("check", "disk", f"--shape={shape}")
    assert (code, out) == (1, "")
    assert err == (f"chainrule: --shape is whole numbers with commas, e.g. 5,2, got {shape!r}\n")


def test_a_damaged_file_is_named(call, saved):
    data = bytearray(saved.read_bytes())
    data[-3] ^= 16
    saved.write_bytes(data)
    code, out, err = call("check", saved, "--shape", "5,3")
    assert (code, out) == (1, "")
    assert err == f"chainrule: {saved}: damaged: its contents do not match its SHA-256\n"


def test_a_file_of_another_kind_is_refused(call, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    code, _, err = call("check", "notes.txt", "--shape", "5,3")
    assert code == 1
    assert "notes.txt: cut short, or not a chainrule file" in err


def test_a_folder_is_no_net(call, tmp_path):
    code, _, err = call("check", tmp_path, "--shape", "5,3")
    assert code == 1
    assert str(tmp_path) in err


def test_a_file_that_is_not_there_lists_the_built_in_nets(call):
    code, _, err = call("check", "nosuch")
    assert code == 1
    assert err == "chainrule: no file nosuch, and no built-in net; built in: disk, pairs\n"


class WrongTanh(nn.Module):
    def forward(self, x):
        y = x.tanh()
        return y, lambda g: g * y


def test_a_wrong_layer_fails_the_check(call, monkeypatch):
    monkeypatch.setitem(SMALL_NETS, "disk", (lambda: nn.Sequential(WrongTanh()), "5,2"))
    code, out, _ = call("check", "disk")
    assert code == 1
    assert out.startswith("FAIL ")
    assert "0  WrongTanh()" in out
    assert "input: the gradient is off by" in out
