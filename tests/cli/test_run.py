"""``chainrule run``: what it prints where, and how it ends."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chainrule.compiled import build
from chainrule.compiled.toolchain import compiler
from chainrule.study import Study, open_store
from chainrule.study.spec.changes import describe_changes
from chainrule.study.spec.digests import digest_declaration
from tests.cli.conftest import ARMS, TINY

HERE = ("--jobs", "1")


def test_the_table_is_on_stdout_and_all_else_on_stderr(call, tiny, tmp_path):
    code, out, err = call("run", tiny, *HERE)
    assert code == 0
    assert "mean ± std" in out
    assert [line.split()[0] for line in out.splitlines()[3:7]] == ARMS
    assert "tiny: 24 of 24 trainings" in err
    assert "Next: chainrule compare tiny; chainrule report tiny" in err
    assert "\x1b" not in out + err
    assert (tmp_path / "runs" / "tiny.sqlite").exists()


def test_as_json_it_prints_a_row_an_arm(call, tiny):
    code, out, _ = call("run", tiny, *HERE, "--arms", "large*", "--json")
    assert code == 0
    rows = json.loads(out)
    assert [(row["arm"], row["metric"], row["n"], row["n_ok"]) for row in rows] == [
        ("large", "accuracy", 3, 3),
        ("large-slow", "accuracy", 3, 3),
    ]
    assert rows == json.loads(call("show", "tiny", "--json")[1])


def test_times_alone_are_added_to_a_finished_study_when_asked_for(call, tiny, finished):
    _, out, err = call("run", tiny, *HERE, "--time")
    assert "24 of 28 trainings" in err
    assert out.splitlines()[1].split()[-2:] == ["solo", "amort"]
    assert "solo" in call("run", tiny, *HERE)[1]  # what is known is shown


def test_a_finished_study_says_so_and_prints_its_table(call, tiny, finished):
    before = finished.read_bytes()
    code, out, err = call("run", tiny, *HERE)
    assert code == 0
    assert "mean ± std" in out
    assert "All 3 rounds are done. Kept in runs/tiny.sqlite; nothing was left" in err
    assert finished.read_bytes() == before


def test_predictions_are_kept_when_asked_for_and_where_they_are_missing_is_said(call, tiny):
    code, _, err = call("run", tiny, *HERE, "--keep", "predictions", "--store", "a.sqlite")
    assert code == 0
    assert "predictions" not in err
    with open_store("a.sqlite", read_only=True) as store:
        assert len(store.predictions(1, stage="final")) == 12
    call("run", tiny, *HERE, "--rounds", "1", "--store", "b.sqlite")
    *_, err = call("run", tiny, *HERE, "--keep", "predictions", "--extend", "--store", "b.sqlite")
    assert "4 of 12 final trainings done before predictions were kept" in err


def test_the_small_form_has_a_store_of_its_own(call, tiny, tmp_path):
    assert call("run", tiny, *HERE, "--quick")[0] == 0
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["tiny-quick.sqlite"]


def test_another_store_another_seed_and_the_nets(call, tiny, tmp_path):
    asked = ("--store", "a/b.sqlite", "--seed", "5", "--cohort-size", "2", "--nets", "nets")
    code, out, err = call("run", tiny, *HERE, "--arms", "small-slow", "--json", *asked)
    assert code == 0
    assert "Next: chainrule show a/b.sqlite; chainrule report a/b.sqlite" in err
    assert json.loads(out)[0]["cohort"] == 2
    with open_store(tmp_path / "a" / "b.sqlite", read_only=True) as store:
        assert "seed = 5" in store.studies()[0].declaration["toml"]
    assert len(list((tmp_path / "nets" / "small-slow").iterdir())) == 3


def test_more_rounds_are_an_extension_that_must_be_asked_for(call, tiny, finished):
    code, _, err = call("run", tiny, *HERE, "--rounds", "4", "--arms", "small")
    assert code == 1
    assert "--extend" in err
    _, out, _ = call("run", tiny, *HERE, "--rounds", "4", "--arms", "small", "--extend", "--json")
    assert [row["n"] for row in json.loads(out)] == [4, 3, 3, 3]


def test_a_changed_declaration_is_another_study_and_it_says_what_changed(call, tiny, finished):
    _, _, err = call("run", tiny, *HERE, "--epochs", "1", "--arms", "small")
    assert "runs/tiny.sqlite has tiny as it was declared before (epochs: 2 → 1)" in err
    _, _, err = call("show", "tiny")
    assert "study 2 of 2 in this store (1: tiny, begun" in err
    assert "Not finished: 0 of 3 rounds done by every arm" in err
    assert [row["n"] for row in json.loads(call("show", "tiny", "--json", "--study", "1")[1])] == (
        [3] * 4
    )


def test_differences_are_named_by_their_paths():
    old = Study.from_toml(TINY)
    new = old.with_overrides(optimizer={"name": "SGD", "lr": 0.5}, rounds=7)
    assert list(describe_changes(old, new)) == [
        "rounds: 3 → 7",
        "optimizer.name: Adam → SGD",
        "optimizer.lr: None → 0.5",
    ]


def test_a_second_runner_is_told_of_the_first(call, tiny, finished):
    with open_store(finished) as store, store.run_lock():
        code, out, err = call("run", tiny, *HERE)
    assert (code, out) == (1, "")
    assert "\nchainrule: " in err
    assert "runs studies on it; wait for it or stop it" in err


# a run that fails, or that is another, hides nothing


def test_a_run_that_fails_before_its_first_row_leaves_no_trace(call, tiny, finished):
    before = call("show", "tiny", "--json")
    code, _, err = call("run", tiny, *HERE, "--data", "train=abc")
    assert code == 1
    assert "train" in err
    assert call("show", "tiny", "--json") == before
    assert call("show", tiny, "--json") == before
    with open_store(finished, read_only=True) as store:
        assert len(store.studies()) == 1


def test_arms_that_cannot_be_trained_are_said_before_a_study_is_entered(call, tiny, finished):
    tiny.write_text(TINY.replace("hidden = 4", "hiden = 4"), encoding="utf-8")
    code, out, err = call("run", tiny, *HERE)
    assert (code, out) == (1, "")
    assert "no arm can be trained" in err
    assert "hiden" in err
    with open_store(finished, read_only=True) as store:
        assert len(store.studies()) == 1


def test_the_result_of_a_declaration_is_found_whatever_was_run_after_it(call, tiny, finished):
    as_declared = call("show", "tiny", "--json")[1]
    assert call("run", tiny, *HERE, "--epochs", "1", "--rounds", "2")[0] == 0
    code, out, err = call("show", tiny, "--json")
    assert (code, out) == (0, as_declared)
    assert "study 1 of 2 in this store" in err
    assert json.loads(call("show", "tiny", "--json")[1])[0]["n"] == 2


def test_a_declaration_that_was_not_run_so_shows_the_last_run_and_says_what_differs(
    call, tiny, finished
):
    tiny.write_text(TINY.replace("epochs = 2", "epochs = 9", 1), encoding="utf-8")
    code, out, err = call("show", tiny, "--json")
    assert (code, json.loads(out)[0]["n"]) == (0, 3)
    assert "tiny.toml was not run as it is declared now" in err
    assert "epochs: 9 → 2" in err


def next_commands(err: str) -> list[list[str]]:
    """The commands of the line that begins with "Next:", each in its words."""
    [line] = [line for line in err.splitlines() if line.startswith("Next: ")]
    return [shlex.split(command) for command in line.removeprefix("Next: ").split("; ")]


@pytest.mark.parametrize(
    "asked",
    [
        (),
        ("--quick",),
        ("--epochs", "1"),
        ("--rounds", "1", "--store", "other.sqlite"),
        ("--arms", "large", "--seed", "7"),
        ("--data", "train=30"),
        ("--store", "my stores/a b.sqlite"),
    ],
    ids=" ".join,
)
def test_what_comes_next_works_and_is_of_this_run(call, tiny, finished, asked):
    blank = tiny.rename(tiny.with_name("my tiny study.toml"))
    _, out, err = call("run", blank, *HERE, "--json", *asked)
    for command in next_commands(err):
        assert call(*command[1:])[0] == 0
    shown = call("show", *next_commands(err)[-1][2:], "--json")[1]
    assert json.loads(shown) == json.loads(out)


def test_what_comes_next_is_of_this_run_where_a_built_in_study_has_its_name(call, tiny):
    tiny.write_text(TINY.replace('"tiny"', '"disk-torch"'), encoding="utf-8")
    assert call("run", tiny, *HERE)[0] == 0
    _, out, err = call("run", tiny, *HERE, "--epochs", "1", "--rounds", "2", "--json")
    for command in next_commands(err):
        assert call(*command[1:])[0] == 0
    shown = call("show", *next_commands(err)[-1][2:], "--json")[1]
    assert json.loads(shown) == json.loads(out)


def test_a_store_that_was_begun_and_not_filled_says_so_and_can_be_filled(call, tiny, tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "tiny.sqlite").touch()  # killed before anything was written
    assert call("show", "tiny")[0] == 1
    assert call("run", tiny, *HERE, "--arms", "small")[0] == 0


def test_a_study_without_rows_that_an_older_version_left_hides_nothing(call, tiny, finished):
    before = call("show", "tiny", "--json")[1]
    other = Study.from_toml(TINY).with_overrides(epochs=7)
    with open_store(finished) as store:
        store.open_study("tiny", other.digest, {"toml": other.to_toml()}, {"time": "9999"})
    assert call("show", "tiny", "--json") == (0, before, "")
    assert call("show", tiny, "--json") == (0, before, "")


# what cannot be run


def test_an_unknown_study_lists_those_that_there_are(call):
    code, out, err = call("run", "pairs-dept")
    assert (code, out) == (1, "")
    assert err.startswith("chainrule: no study 'pairs-dept'; did you mean 'pairs-depth'? built-in")


def test_unknown_arms_list_those_that_there_are_before_a_store_is_made(call, tiny, tmp_path):
    code, out, err = call("run", tiny, "--arms", "cnn*")
    assert (code, out) == (1, "")
    assert err == f"chainrule: study tiny: no arm matches 'cnn*'; arms: {', '.join(ARMS)}\n"
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("option", ["--rounds", "--epochs", "--jobs", "--cohort-size"])
@pytest.mark.parametrize("value", ["0", "many"])
def test_a_number_that_makes_no_sense_is_a_wrong_call(call, option, value):
    code, out, err = call("run", "pairs-depth", option, value)
    assert (code, out) == (2, "")
    assert f"Invalid value for '{option}'" in err


def test_a_folder_that_cannot_be_made_is_named(call, tiny, tmp_path):
    (tmp_path / "runs").write_text("a file", encoding="utf-8")
    code, _, err = call("run", tiny)
    assert code == 1
    assert err.startswith("chainrule: no folder runs for the store")


def test_a_file_that_is_no_store_is_left_as_it_is(call, tiny, tmp_path):
    (tmp_path / "notes.txt").write_text("not a store", encoding="utf-8")
    code, _, err = call("run", tiny, "--store", "notes.txt")
    assert code == 1
    assert "notes.txt" in err
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "not a store"


# Ctrl-C


def test_ctrl_c_is_answered_within_two_seconds_and_what_was_done_is_kept(tmp_path):
    long = TINY.replace("epochs = 2", "epochs = 300", 1).replace("rounds = 3", "rounds = 300", 1)
    (tmp_path / "long.toml").write_text(long, encoding="utf-8")
    taken, said = interrupted(tmp_path, "run", "long.toml", "--cohort-size", "1", *HERE)
    assert "interrupted: what was done is kept in runs/tiny.sqlite" in said
    assert "chainrule run long.toml --cohort-size 1 --jobs 1" in said
    assert taken < 2
    with open_store(tmp_path / "runs" / "tiny.sqlite", read_only=True) as store:
        assert store.rows(1)


def interrupted(folder: Path, *args: str) -> tuple[float, str]:
    """Seconds from Ctrl-C, after the first cohort, to the last words; and what was said."""
    process = subprocess.Popen(
        [sys.executable, "-m", "chainrule", *args],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stderr is not None
    try:
        said = [process.stderr.readline() for _ in range(3)]
        start = time.perf_counter()
        process.send_signal(signal.SIGINT)
        while said[-1] and not said[-1].startswith(b"interrupted"):
            said.append(process.stderr.readline())
        taken = time.perf_counter() - start
        said.append(process.stderr.read())
        assert process.wait(30) == 130
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    text = b"".join(said).decode()
    assert "trainings" in text.splitlines()[2]
    assert "Traceback" not in text
    return taken, text


@pytest.mark.skipif(compiler() is None, reason="there is no C++ compiler")
def test_the_other_way_it_is_the_same_study_and_goes_on_only_when_asked(call, tiny):
    assert call("run", tiny, *HERE, "--rounds", "2", "--no-compile")[0] == 0
    more = ("run", tiny, *HERE, "--extend", "--json")
    code, _, err = call(*more)
    assert code == 1
    assert "so far, and now in the compiled kernel" in err
    assert "--mix-backends" in err
    code, out, _ = call(*more, "--mix-backends")
    assert code == 0
    assert [row["n"] for row in json.loads(out)] == [3, 3, 3, 3]


@pytest.mark.skipif(compiler() is None, reason="there is no C++ compiler")
def test_who_insists_is_told_what_the_kernel_does_not_know(call, tiny, tmp_path):
    own = tmp_path / "own.toml"
    text = TINY.replace('name = "disk_net"', 'name = "tests.study.small:halved"')
    own.write_text(text, encoding="utf-8")
    code, _, err = call("run", str(own), *HERE, "--compile")
    assert code == 1
    assert "compile=True: there is no compiled form of Halve.forward" in err


def test_compiled_without_a_compiler(call, tiny, monkeypatch, tmp_path):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "kernels"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    build.load_kernel.cache_clear()
    code, out, err = call("run", tiny, *HERE, "--compile")
    build.load_kernel.cache_clear()
    assert (code, out) == (1, "")
    assert err.endswith("chainrule: there is no C++ compiler: install g++ or clang++, or set CXX\n")


def test_a_run_begins_with_the_digest_of_its_declaration(call, tiny):
    study = Study.load(tiny)
    _, _, err = call("run", tiny, *HERE, "--arms", "small")
    said = "tiny: 3 rounds; baseline: small; rope: not declared; declaration "
    assert err.startswith(said + digest_declaration(study))


def test_where_nets_could_not_be_saved_nothing_is_trained(call, tiny, tmp_path):
    (tmp_path / "file").touch()
    code, out, err = call("run", tiny, "--quick", "--jobs", "1", "--nets", "file")
    assert (code, out) == (1, "")
    assert "no folder file for the nets (File exists): choose another with --nets" in err
    assert not (tmp_path / "runs" / "tiny-quick.sqlite").exists()
