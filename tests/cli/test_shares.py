"""``chainrule run --share`` and ``chainrule merge``."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def shared(call, tiny):
    """Two shares of three that were run."""
    for i in (1, 2):
        assert call("run", tiny, "--jobs", "1", "--share", f"{i}/3")[0] == 0
    return tiny


def test_a_share_has_a_store_of_its_own_and_says_what_comes_next(call, tiny):
    code, _, err = call("run", tiny, "--jobs", "1", "--share", "1/3")
    assert code == 0
    assert "Share 1/3 is done: 8 trainings, kept in runs/tiny.1-of-3.sqlite." in err
    assert "chainrule merge runs/tiny.*-of-3.sqlite -o runs/tiny.sqlite" in err


def test_what_is_incomplete_says_whose_it_is(call, shared):
    stores = [f"runs/tiny.{i}-of-3.sqlite" for i in (1, 2)]
    code, _, err = call("merge", *stores, "-o", "runs/tiny.sqlite")
    assert code == 0
    said = "These are shares 1 and 2 of 3 of the study; share 3/3 lacks trainings here: run what"
    assert said in err
    for command in ("show", "compare"):
        assert said in call(command, "tiny")[2]
    states = {row["study"]: row["state"] for row in json.loads(call("studies", "--json")[1])}
    assert states["tiny/1"] == "not complete, shares 1 and 2 of 3"
    assert states["tiny.1-of-3/1"] == "not complete, share 1/3"


def test_one_share_and_no_other_is_refused_in_a_line(call, tiny):
    code, _, err = call("run", tiny, "--share", "4/3")
    assert (code, err.count("\n")) == (1, 1)
    assert "expected NUMBER/COUNT" in err


def test_one_search_is_merged_before_its_finals(call, tiny):
    text = tiny.read_text().replace('method = "grid"', 'method = "grid"\neach_round = false')
    tiny.write_text(text)
    for i in (1, 2):
        code, _, err = call("run", tiny, "--jobs", "1", "--share", f"{i}/2", "--stage", "search")
        assert code == 0
        assert f"Share {i}/2, stage search, is done: " in err
        assert "go on with:\n  chainrule merge runs/tiny.sqlite -o " in err
        assert err.endswith(f"--share {i}/2 --stage final\n")
    code, _, err = call("run", tiny, "--share", "1/2", "--stage", "final")
    assert (code, "does not have all of the search of arms small, large" in err) == (1, True)


def test_a_share_without_trainings_is_no_error(call, tiny):
    code, _, err = call("run", tiny, "--arms", "small", "--rounds", "1", "--share", "9/99")
    assert code == 0
    assert "Share 9/99 has nothing to train" in err


def test_a_foreign_store_is_refused(call, shared, tmp_path):
    (tmp_path / "foreign.sqlite").write_text("hello")
    code, _, err = call("merge", "runs/tiny.1-of-3.sqlite", "foreign.sqlite", "-o", "all.sqlite")
    assert code == 1
    assert "foreign.sqlite: is not a store of chainrule" in err


def test_the_plan_says_how_much_a_share_has(call, tiny):
    code, _, err = call("plan", tiny, "--no-time", "--share", "1/3")
    assert code == 0
    assert err.endswith("Share 1/3: 8 of 24 trainings at most.\n")
    err = call("plan", tiny, "--share", "1/3")[2]
    assert "Share 1/3: 8 of 24 trainings at most, about " in err
