"""Where a result comes from."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

import chainrule
from chainrule._util.commits import git_commit
from chainrule.study.execution.provenance import hide_password, provenance

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def test_it_says_versions_machine_and_time():
    found = provenance()
    assert found["versions"]["chainrule"] == chainrule.__version__
    assert set(found["versions"]) == {"chainrule", "python", "torch", "numpy", "scipy", "optuna"}
    assert found["machine"]["cores"] == os.cpu_count()
    assert found["threads"] >= 1
    assert found["command"] == [hide_password(word) for word in sys.argv]
    age = datetime.now(UTC) - datetime.fromisoformat(found["time"])
    assert abs(age.total_seconds()) < 60


@pytest.mark.parametrize(
    ("word", "kept"),
    [
        ("plain.toml", "plain.toml"),
        (os.fsdecode("öl.toml".encode()), "öl.toml"),
        ("öl.toml".encode().decode("ascii", "surrogateescape"), "öl.toml"),  # where LANG is C
        (b"\xf6l.toml".decode("utf-8", "surrogateescape"), r"\xf6l.toml"),
    ],
)
def test_a_command_of_bytes_that_are_no_text_can_be_written(monkeypatch, word, kept):
    monkeypatch.setattr(sys, "argv", ["chainrule", "run", word])
    assert provenance()["command"] == ["chainrule", "run", kept]


def test_it_is_json_data():
    found = provenance()
    assert json.loads(json.dumps(found)) == found


@needs_git
def test_it_takes_no_longer_than_a_few_calls_of_git(tmp_path):
    def seconds(f):
        start = time.perf_counter()
        f()
        return time.perf_counter() - start

    call = min(seconds(lambda: git(tmp_path, "--version")) for _ in range(5))
    assert min(seconds(provenance) for _ in range(5)) < max(0.3, 20 * call)  # a busy machine


def git(folder, *words):
    name = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", "-C", folder, *name, *words], check=True, capture_output=True)


@needs_git
def test_the_commit_is_that_of_the_packages_own_files(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    assert git_commit(package) == {"commit": None, "dirty": None}
    git(tmp_path, "init")
    assert git_commit(package) == {
        "commit": None,
        "dirty": None,
    }  # installed in another's work tree
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    found = git_commit(package)
    assert len(found["commit"]) == 40
    assert found["dirty"] is False
    (tmp_path / "notes").write_text("not of the package")
    assert git_commit(package) == found
    (package / "new.py").write_text("")
    assert git_commit(package) == {**found, "dirty": True}


@needs_git
def test_the_users_code_is_dirty_where_it_is_not_what_the_commit_has(tmp_path):
    nets = tmp_path / "nets.py"
    nets.write_text("")
    assert provenance([nets])["own"] == {"commit": None, "dirty": None}
    git(tmp_path, "init")
    assert provenance([nets])["own"] == {"commit": None, "dirty": True}
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    found = provenance([nets])["own"]
    assert len(found["commit"]) == 40
    assert found["dirty"] is False
    (tmp_path / "runs.sqlite").write_text("a result")
    assert provenance([nets])["own"] == found
    (tmp_path / "more.py").write_text("")
    assert provenance([nets, tmp_path / "more.py"])["own"] == {**found, "dirty": True}
    nets.write_text("changed")
    assert provenance([nets])["own"] == {**found, "dirty": True}


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance()["commit"] is None


@pytest.mark.parametrize(
    ("argument", "kept"),
    [
        ("--store=postgresql://me:pass@word@host/db", "--store=postgresql://me:***@host/db"),
        ("postgresql://me@host:5432/db", "postgresql://me@host:5432/db"),
        ("runs/a:b@c.sqlite", "runs/a:b@c.sqlite"),
    ],
)
def test_no_password_is_kept(argument, kept):
    assert hide_password(argument) == kept
