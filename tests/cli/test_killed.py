"""``chainrule run``, ended at any instant and begun again: nothing is lost, all commands work."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from chainrule.study import Study, open_store, run
from tests.cli.conftest import TINY, begin
from tests.cli.test_run import next_commands
from tests.study.small import lasting

LONGER = TINY.replace("epochs = 2", "epochs = 800", 1).replace("train = 40", "train = 400", 1)
STORE = Path("runs", "tiny.sqlite")


@pytest.fixture(scope="module")
def undisturbed():
    return lasting(run(Study.from_toml(LONGER)).rows)


@pytest.fixture
def longer(tmp_path) -> Path:
    path = tmp_path / "longer.toml"
    path.write_text(LONGER, encoding="utf-8")
    return path


def end_after(seconds: float, number: int, folder: Path, words: Sequence[object], *, group: bool):
    """(exit code, stderr) of a command that a signal ends after so long, unless it has ended."""
    process = begin(folder, *words)
    try:
        time.sleep(seconds)
        if process.poll() is None:
            (os.killpg if group else os.kill)(process.pid, number)
        _, err = process.communicate(timeout=60)  # a worker that stays would hold the pipe
    finally:
        process.kill()
    return process.returncode, err


def kept_keys() -> set:
    """Which trainings the store has; none where it has not been begun."""
    if not STORE.exists() or not STORE.stat().st_size:
        return set()
    with open_store(STORE, read_only=True) as store:
        return {row.key for study in store.studies() for row in store.rows(study.id)}


@pytest.mark.slow  # it begins some twenty processes
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_ended_at_random_instants_it_has_the_rows_of_an_undisturbed_run(
    call, tmp_path, longer, undisturbed, name, jobs
):
    draw, words = random.Random(f"{name} {jobs}"), ("run", longer, "--jobs", jobs)
    number, hits, kept = getattr(signal, name), 0, set()
    call("list")  # in this folder from here on
    while hits < 6:
        code, err = end_after(draw.uniform(0.5, 8), number, tmp_path, words, group=hits % 2 == 0)
        assert "Traceback" not in err
        before, kept = kept, kept_keys()
        assert before <= kept
        read_what_is_kept(call, is_any=bool(kept))
        if code == 0:  # it was over before: another study, in another store
            check_whole(call, err, undisturbed)
            STORE.unlink()
            kept = set()
        else:
            is_begun = err != ""  # before, Python itself is what a signal ends
            assert code == (130 if name == "SIGTERM" and is_begun else -number)
            hits += 1
    code, _, err = call(*words)
    assert code == 0
    assert kept <= kept_keys()
    check_whole(call, err, undisturbed)


def read_what_is_kept(call, *, is_any: bool) -> None:
    """Each command that reads answers, or says in a sentence that there is nothing yet."""
    for words in [("show", "tiny"), ("show", "longer.toml"), ("review", "tiny")]:
        code, out, err = call(*words)
        assert (code == 0) == is_any, (words, out, err)
    assert call("studies")[0] == 0


def check_whole(call, err: str, undisturbed) -> None:
    """All rows are there, once each, and what comes next works."""
    with open_store(STORE, read_only=True) as store:
        [study] = store.studies()
        rows = store.rows(study.id, curves=True)
    assert lasting(rows) == undisturbed
    for command in [*next_commands(err), ["chainrule", "show", "tiny"], ["chainrule", "studies"]]:
        assert call(*command[1:])[0] == 0
    assert [path.name for path in STORE.parent.iterdir() if "sqlite" in path.name] == [STORE.name]
