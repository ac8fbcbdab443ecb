"""--quiet, --verbose, and what a shell completes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chainrule.cli.completion import complete_run, complete_study


@pytest.mark.parametrize("words", [("-q", "run"), ("run", "--quiet")])
def test_quiet_says_the_result_alone(call, tiny, words):
    code, out, err = call(*words, tiny, "--quick", "--jobs", 1)
    assert code == 0
    assert "mean ± std" in out
    assert err == ""


def test_quiet_says_errors(call):
    code, _, err = call("check-study", "nosuch.toml", "-q")
    assert code == 1
    assert "nosuch.toml" in err


def test_verbose_says_a_line_for_each_cohort(call, tiny):
    _, _, err = call("run", tiny, "--quick", "--jobs", 1, "-v")
    assert len([line for line in err.splitlines() if " trainings, " in line]) >= 4


def test_a_verbose_error_has_its_traceback(monkeypatch, capfd, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "chainrule", "show", "nosuch", "-v"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "chainrule: no run 'nosuch'" in done.stderr


def test_quiet_and_verbose_exclude_each_other(call):
    code, _, err = call("-q", "list", "-v")
    assert code == 2
    assert "--quiet and --verbose exclude each other" in err


def test_what_was_said_of_one_call_does_not_hold_for_the_next(call, tiny):
    call("-q", "list")
    assert call("check-study", tiny)[1].startswith(f"{tiny}: ok")
    assert "Next:" in call("run", tiny, "--quick", "--jobs", 1)[2]


def test_a_shell_completes_the_names_of_studies():
    words = "chainrule run pairs-"
    script = Path(sys.executable).with_name("chainrule")
    done = subprocess.run(
        [script],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ
        | {"_CHAINRULE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "2"},
    )
    assert done.stdout.split() == ["pairs-best", "pairs-depth", "pairs-sharing"]


def test_files_and_runs_are_offered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("mine.toml", "mine.csv", "runs/mine-2.sqlite", "more/own.toml", ".hidden.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert complete_study("m") == ["mine.toml", "more/"]
    assert complete_study("more/") == ["more/own.toml"]
    assert complete_study("nosuch/") == []
    assert complete_run("mi") == ["mine-2"]
    assert complete_run("runs/") == ["runs/mine-2.sqlite"]
