"""The command line as a whole: help, version, exit codes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule

COMMANDS = (
    *("list", "init", "check-study", "schema", "plan", "run", "merge", "studies", "remove"),
    *("show", "compare", "nets", "plot", "report", "check"),
    *("train", "predict", "app"),
)


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version(call, flag):
    assert call(flag) == (0, f"chainrule {chainrule.__version__}\n", "")


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_names_the_commands(call, flag):
    code, out, _ = call(flag)
    assert code == 0
    assert all(f" {command} " in out for command in COMMANDS)


def test_without_a_command_it_shows_the_help(call):
    code, out, err = call()
    assert code == 2
    assert "Usage" in out + err


def test_an_unknown_command_is_a_wrong_call(call):
    code, out, err = call("nosuch")
    assert code == 2
    assert not out
    assert "nosuch" in err


def test_help_has_no_colours_where_none_are_wanted(call, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[\d;]*3\dm", call("--help")[1])


def test_the_installed_script_runs():
    script = Path(sys.executable).with_name("chainrule")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, timeout=60)
    assert done.stdout == f"chainrule {chainrule.__version__}\n"


@pytest.mark.parametrize("columns", [40, 200])
@pytest.mark.parametrize("command", ["run", "export", "list"])
def test_help_and_lists_are_as_wide_as_the_terminal(call, monkeypatch, command, columns):
    monkeypatch.setenv("COLUMNS", f"{columns}")
    lines = call(command, "--help")[1].partition("Examples:")[0].splitlines()
    lines += call("list")[1].splitlines()
    assert columns / 3 < max(map(len, lines)) <= min(columns, 80)
    assert not [line for line in lines if line.startswith(" " * (columns // 2))]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_arguments_as_the_text_does_and_has_examples(call, command):
    code, out, _ = call(command, "--help")
    usage, _, rest = out.partition("\n\n")
    names = re.sub(r"Usage: chainrule [a-z-]+ \[OPTIONS\]", "", " ".join(usage.split()))
    assert code == 0
    assert re.fullmatch(r"[A-Z/…\[\] ]*", names)
    assert "[[" not in names
    assert not re.search(r"<(str|path|list|int|float)\b", out)
    assert f"chainrule {command}" in rest.partition("Examples:")[2]


def test_help_says_the_exit_codes(call):
    assert "Exit codes: 0; 1 for an error; 2 for a wrong call; 130" in call("--help")[1]


def test_the_app_refuses_a_store_that_there_is_not(call):
    code, out, err = call("app", "--no-browser", "--store", "nope.sqlite")
    assert code == 1
    assert not out
    assert "no run 'nope.sqlite': nope.sqlite is no file; runs here: none" in err


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself_in_80_columns_with_examples(call, command):
    code, out, _ = call(command, "--help")
    assert code == 0
    assert f"\n  Examples:\n    chainrule {command}" in out
    assert max(map(len, out.splitlines())) <= 80


def test_an_unknown_option_is_a_wrong_call(call):
    code, _, err = call("run", "pairs-depth", "--nosuch")
    assert code == 2
    assert "--nosuch" in err


def test_an_interrupt_in_a_command_ends_with_130(call, monkeypatch):
    def interrupt(name):
        raise KeyboardInterrupt

    monkeypatch.setattr("chainrule.study.builtin.load_builtin", interrupt)
    assert call("list") == (130, "", "interrupted\n")


def test_an_interrupt_before_any_command_ends_with_130(call, monkeypatch):
    def interrupt(*names):
        raise KeyboardInterrupt

    monkeypatch.setattr("chainrule.cli.load_commands", interrupt)
    assert call() == (130, "", "interrupted\n")


def test_a_package_that_is_missing_is_named(call, monkeypatch):
    def missing(*names):
        raise ImportError("pandas is missing: pip install 'chainrule[pandas]'")

    monkeypatch.setattr("chainrule.cli.load_commands", missing)
    code, out, err = call()
    assert (code, out) == (1, "")
    assert err.startswith("chainrule: pandas is missing: pip install 'chainrule[pandas]'\n")
