"""``chainrule review``."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest

from chainrule.cli.commands.review import print_findings
from chainrule.study import Finding, Review, Study, run
from tests.cli.conftest import TINY


@pytest.fixture
def lost(tmp_path) -> None:
    """The run ``lost``, of which an arm diverged."""
    (tmp_path / "runs").mkdir()
    arms = {"fine": {}, "wild": {"optimizer": {"lr": 1e30}}}
    declared = Study.from_toml(TINY).as_dict() | {
        "name": "lost",
        "baseline": "fine",
        "arms": arms,
        "factors": {},
        "rounds": 2,
        "space": {},
        "search": {},
        "quick": {},
        "optimizer": {"name": "SGD", "lr": 0.1},
    }
    run(Study(**declared), store=tmp_path / "runs" / "lost.sqlite")


def test_a_finding_names_code_arm_and_what_to_type(call, lost):
    _, out, err = call("review", "lost")
    assert "R006 error  arms that diverged\n  wild: 2 of 2 rounds diverged" in out
    assert "clip_norm = 1.0" in out
    assert "1 error" in err or "errors" in err


def test_what_is_found_of_several_arms_is_said_once_with_what_to_do_once(capsys, monkeypatch):
    def found(arm, message, advice):
        return Finding("R001", "an edge", "warning", arm, message, advice, {})

    said = [
        found("a", "the rate is at its edge", "look beyond"),
        found("a", "the weight is at its edge", "look further"),
        found("b", "the rate is at its edge", "look beyond"),
        found("c-d", "the rate is high", "look beyond"),
    ]
    monkeypatch.setenv("COLUMNS", "40")
    print_findings(Review("s", said, {}))
    assert capsys.readouterr().out == (
        "R001 warning  an edge\n"
        "  a, b: the rate is at its edge.\n"
        "  c-d: the rate is high.\n"
        "  → look beyond\n"
        "  a: the weight is at its edge.\n"
        "  → look further\n"
    )


def test_the_exit_code_is_1_for_an_error_and_0_for_warnings_or_nothing(call, lost):
    assert call("review", "lost", "--select", "R006")[0] == 1
    code, out, _ = call("review", "lost", "--select", "R011")
    assert (code, out.startswith("R011 warning")) == (0, True)
    code, out, err = call("review", "lost", "--select", "R009")
    assert (code, out, err) == (0, "", "lost: no findings\n")


def test_codes_are_given_with_commas_or_again(call, lost):
    both = call("review", "lost", "--select", "R006,R011", "--json")[1]
    assert {f["code"] for f in json.loads(both)["findings"]} == {"R006", "R011"}
    again = call("review", "lost", "--select", "R006", "--select", "R011", "--json")[1]
    assert again == both
    one = call("review", "lost", "--select", "R006,R011", "--ignore", "r006", "--json")[1]
    assert {f["code"] for f in json.loads(one)["findings"]} == {"R011"}


def test_an_unknown_code_is_an_error_that_lists_them(call, lost):
    code, out, err = call("review", "lost", "--ignore", "X1")
    assert (code, out) == (1, "")
    assert "R001, R002" in err


def test_the_formats(call, lost):
    code, out, _ = call("review", "lost", "--format", "json")
    found = json.loads(out)
    assert (code, [*found]) == (1, ["study", "findings", "skipped"])
    keys = {"code", "title", "severity", "arm", "message", "advice", "numbers"}
    assert all(finding.keys() == keys for finding in found["findings"])
    rows = list(csv.DictReader(StringIO(call("review", "lost", "--format", "csv")[1])))
    assert [row["code"] for row in rows] == [finding["code"] for finding in found["findings"]]
    assert call("review", "lost", "--format", "markdown")[1].startswith("| code |")


def test_no_line_is_wider_than_the_terminal(call, lost, monkeypatch):
    assert max(map(len, call("review", "lost")[1].splitlines())) <= 80
    monkeypatch.setenv("COLUMNS", "50")
    assert max(map(len, call("review", "lost")[1].splitlines())) <= 50


def test_no_color_is_written_where_none_is_wanted(call, lost, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in call("review", "lost")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in call("review", "lost")[1]


def test_what_to_do_is_said_once_for_arms_of_which_it_is_the_same(call, finished):
    _, out, _ = call("review", "tiny", "--select", "R003")
    assert out.count("R003 error  no better than the trivial answer") == 1
    assert out.count("trivial answer's") > 1
    assert out.count("→") == 1


def test_quiet_says_nothing_beside_the_findings(call, lost):
    code, out, err = call("review", "lost", "-q")
    assert (code, err) == (1, "")
    assert "R006" in out
