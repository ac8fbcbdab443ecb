"""``chainrule studies`` and ``remove``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest

from chainrule.study import open_store


def test_studies_lists_what_each_store_holds(call, tiny, finished):
    assert call("run", tiny, "--jobs", "1", "--epochs", "1", "--arms", "small")[0] == 0
    rows = json.loads(call("studies", "--json")[1])
    assert [(r["study"], r["state"], r["arms"], r["rounds"]) for r in rows] == [
        ("tiny/1", "complete", "4/4", "3/3"),
        ("tiny/2", "not complete", "1/4", "0/3"),
    ]
    out = call("studies", "tiny")[1].splitlines()
    assert [line.split()[0] for line in out[1:2] + out[3:]] == ["study", "tiny/1", "tiny/2"]
    at = datetime.fromisoformat(rows[0]["last run"])
    assert out[3].split() == ["tiny/1", "complete", *f"{at:%Y-%m-%d %H:%M} 1 4/4 3/3 24".split()]


@pytest.mark.parametrize("columns", [80, 40])
def test_studies_fit_the_terminal_and_say_a_name_that_is_not_the_stores(
    call, finished, monkeypatch, columns
):
    finished.rename(finished.with_name("of-another-name.sqlite"))
    monkeypatch.setenv("COLUMNS", str(columns))
    out = call("studies")[1]
    assert max(map(len, out.splitlines())) <= columns
    assert {"of-another-name/1", "tiny", "complete", "4/4"} <= set(out.split())


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


def test_nothing_is_removed_while_a_run_holds_the_store(call, finished):
    with open_store(finished) as store, store.run_lock():
        code, _, err = call("remove", "tiny/1", "--yes")
        assert code == 1
        assert "runs studies on it; wait for it or stop it" in err
        assert [record.id for record in store.studies()] == [1]
    assert call("remove", "tiny/1", "--yes")[0] == 0


def test_a_store_whose_only_study_was_removed_can_be_filled_again(call, tiny, finished):
    assert call("remove", "tiny/1", "--yes")[0] == 0
    code, _, err = call("show", "tiny")
    assert code == 1
    assert "no results yet" in err
    assert call("run", tiny, "--jobs", "1", "--quick", "--store", finished)[0] == 0


def ask(folder: Path, answer: bytes) -> tuple[int, str]:
    """What ``chainrule remove`` says on a terminal on which this is typed: (exit code, said)."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "chainrule", "remove", "tiny/1"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
    )
    os.close(theirs)
    said = b""
    with suppress(OSError):  # the other end is closed when it ends
        while more := os.read(ours, 1 << 12):
            said += more
            if said.endswith(b"[y/N]: "):
                os.write(ours, answer)
    os.close(ours)
    return process.wait(60), said.decode()


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no pseudo-terminals")
@pytest.mark.parametrize(("answer", "code", "left"), [(b"y\n", 0, []), (b"\n", 1, [1])])
def test_on_a_terminal_it_asks_first(finished, answer, code, left):
    ended, said = ask(finished.parents[1], answer)
    assert "Remove study 1 of runs/tiny.sqlite (tiny, begun 20" in said
    assert ended == code
    with open_store(finished, read_only=True) as store:
        assert [record.id for record in store.studies()] == left
