"""``chainrule studies`` and ``remove``."""

from __future__ import annotations

import json

import pytest

from chainrule.study import open_store


def test_studies_lists_what_each_store_holds(call, tiny, finished):
    assert call("run", tiny, "--jobs", "1", "--epochs", "1", "--arms", "small")[0] == 0
    rows = json.loads(call("studies", "--json")[1])
    assert [(r["study"], r["state"], r["arms"], r["rounds"]) for r in rows] == [
        ("tiny/1", "complete", "4/4", "3/3"),
        ("tiny/2", "not complete", "1/4", "0/3"),
    ]
    out = call("studies", "tiny")[1]
    assert [line.split()[0] for line in out.splitlines()] == ["study", "tiny/1", "tiny/2"]


def test_without_any_store_it_says_what_makes_one(call):
    assert call("studies") == (0, "", "no studies in runs: chainrule run makes them\n")


@pytest.mark.parametrize("name", ["tiny/1", "runs/tiny.sqlite/1"])
def test_a_study_is_removed_where_yes_is_said(call, finished, name):
    code, _, err = call("remove", name)
    assert code == 1
    assert "nothing was removed: say --yes" in err
    assert call("remove", name, "--yes")[0] == 0
    with open_store(finished, read_only=True) as store:
        assert store.studies() == []


@pytest.mark.parametrize("name", ["tiny", "tiny/7", "tiny/x", "tinny/1"])
def test_what_is_not_there_is_not_removed(call, finished, name):
    before = finished.read_bytes()
    assert call("remove", name, "--yes")[0] in (1, 2)
    assert finished.read_bytes() == before
