"""``NAME=VALUE``, as ``--data`` and ``--set`` take it."""

from __future__ import annotations

import json

import pytest

from chainrule.cli.overrides import parse_assignments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("train=500", ("train", 500)),
        ("download=true", ("download", True)),
        ('colors=["red", "blue"]', ("colors", ["red", "blue"])),
        ("root=/data/mnist", ("root", "/data/mnist")),
        ("root=a=b", ("root", "a=b")),
        ("root=", ("root", "")),
        ("net.hidden=[8, 16]", ("net.hidden", [8, 16])),
        ("optimizer.lr=1e-3", ("optimizer.lr", 1e-3)),
        ("root=1\nother = 2", ("root", "1\nother = 2")),
    ],
)
def test_a_value_is_toml_or_else_a_text(text, expected):
    assert parse_assignments([text]) == dict([expected])


def test_a_plan_is_of_the_data_that_were_said(call, tiny):
    steps = []
    for more in ([], ["--data", "train=200", "--data", "test=35"]):
        code, out, _ = call("plan", tiny, "--json", *more)
        assert code == 0
        steps.append(json.loads(out)["totals"]["steps"])
    assert steps[1] > 4 * steps[0]


def test_a_run_on_other_data_is_another_study(call, tiny, finished):
    code, _, err = call("run", tiny, "--data", "train=30", "--rounds", "2", "--jobs", "1")
    assert code == 0
    assert "data.train: 40 → 30" in err
    assert "done" in err


def test_what_is_no_argument_says_what_would_be(call, tiny):
    code, _, err = call("run", tiny, "--data", "train")
    assert code == 2
    assert "expected NAME=VALUE" in err


def test_an_argument_that_the_data_do_not_have_is_an_error(call, tiny):
    code, _, err = call("run", tiny, "--data", "depth=3", "--jobs", "1")
    assert code == 1
    assert "disk_points" in err
    assert "depth" in err
