"""Runs in several processes, which may be interrupted and killed at any instant."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

from chainrule.study import StudyError, open_store, run
from tests.study.execution.killing import ENDLESS, ROOT, STUDY, Process, kill_often
from tests.study.execution.test_runner import FEW
from tests.study.small import lasting, searched, small


@pytest.fixture
def endless(tmp_path):
    """A run that does not end, both of its workers busy."""
    process = Process(tmp_path / "a.sqlite", "ENDLESS")
    try:
        assert process.wait_for(2), process.popen.communicate()
        yield process
    finally:
        process.end()


@pytest.fixture(scope="module")
def undisturbed():
    return lasting(run(STUDY).rows)


def test_two_workers_give_what_one_process_gives_bit_for_bit():
    assert lasting(run(FEW, jobs=2).rows) == lasting(run(FEW).rows)


@pytest.mark.slow
def test_a_killed_worker_costs_nothing_but_time(tmp_path):
    killed = []

    def watch(progress):
        if progress.cohorts == 1 and not killed:
            killed.append(multiprocessing.active_children()[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    result = run(FEW, store=tmp_path / "a.sqlite", jobs=2, on_progress=watch)
    assert killed
    assert lasting(result.rows) == lasting(run(FEW).rows)


@pytest.mark.slow  # six workers
def test_a_net_that_kills_its_workers_is_named_and_the_others_are_done(tmp_path):
    store = tmp_path / "a.sqlite"
    study = small(arms={"a": {}, "b": {"net": "tests.study.small:deadly"}, "c": {}})
    with pytest.raises(StudyError, match="arm b: a worker died 4 times over a cohort of"):
        run(study, store=store, jobs=2)
    assert multiprocessing.active_children() == []


def test_an_error_in_a_worker_names_the_arm_and_no_worker_stays(tmp_path):
    store = tmp_path / "a.sqlite"
    study = small(arms={"bad": {"net": "tests.study.small:fragile"}})
    with pytest.raises(StudyError, match=r"^arm bad: ZeroDivisionError: user code\n"):
        run(study, store=store, jobs=2)
    assert multiprocessing.active_children() == []
    assert list(tmp_path.iterdir()) == []  # no store that is empty, and no lock


@pytest.mark.slow  # two seconds are a promise for a machine that is not busy with other tests
@pytest.mark.parametrize("group", [False, True], ids=["parent", "terminal"])
def test_an_interrupt_ends_it_within_two_seconds(endless, group):
    start = time.monotonic()
    (os.killpg if group else os.kill)(endless.popen.pid, signal.SIGINT)
    said, errors = endless.popen.communicate(timeout=10)
    assert time.monotonic() - start < 2
    assert said.endswith("interrupted\n")
    assert errors == ""
    assert endless.alone() == []


@pytest.mark.slow
def test_an_interrupt_while_workers_begin_is_quiet(tmp_path):
    process = Process(tmp_path / "a.sqlite", "ENDLESS")
    try:
        assert process.wait_for(0)
        time.sleep(0.3)
        os.killpg(process.popen.pid, signal.SIGINT)
        said, errors = process.popen.communicate(timeout=20)
        assert said.endswith("interrupted\n")
        assert errors == ""
        assert process.alone() == []
    finally:
        process.end()


def test_workers_end_when_their_parent_is_killed(endless):
    assert endless.alone(0)
    endless.kill(group=False)
    assert endless.alone(2) == []


@pytest.mark.slow
def test_a_second_run_on_the_store_is_refused_at_once(endless, tmp_path):
    with pytest.raises(ValueError, match=r"a\.sqlite"):
        run(ENDLESS, store=tmp_path / "a.sqlite")


def check(stores, undisturbed):
    for store in stores:
        result = run(STUDY, store=store)
        with open_store(store, read_only=True) as opened:
            (study,) = opened.studies()
            rows = opened.rows(study.id, curves=True)
        assert lasting(rows) == lasting(result.rows) == undisturbed
        assert len({row.key for row in rows}) == len(rows) == 4 * (4 + 4)


@pytest.mark.slow
def test_killed_at_20_instants_the_table_is_that_of_an_undisturbed_run(tmp_path, undisturbed):
    check(kill_often(tmp_path, 20, seed=1), undisturbed)


def test_killed_once_too(tmp_path, undisturbed):
    check(kill_often(tmp_path, 1, seed=7), undisturbed)


@pytest.mark.slow
def test_another_process_and_hash_seed_give_the_same_bits():
    code = (
        "from chainrule.study import run\n"
        "from tests.study.small import lasting\n"
        "from tests.study.execution.test_executors import small_search\n"
        "print(repr(lasting(run(small_search()).rows)))\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4242", "LC_ALL": "C", "TZ": "Asia/Tokyo"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    assert done.stdout.decode() == f"{lasting(run(small_search()).rows)!r}\n"


def small_search():
    return searched(arms={"a": {}}, rounds=2)


GUARDLESS = """\
from chainrule.study import Study, run
from tests.study.small import small

print("done" if run(small(), jobs=2, store="a.sqlite").is_complete else "")
"""


@pytest.mark.slow
@pytest.mark.parametrize("start", ["forkserver", "spawn"])
def test_a_program_without_its_guard_is_told_the_two_lines(tmp_path, start):
    script = tmp_path / "script.py"
    script.write_text(GUARDLESS, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    if start == "spawn":  # where there can be no socket
        environment["TMPDIR"] = str(tmp_path / ("d" * 100))
        (tmp_path / ("d" * 100)).mkdir()
    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("Traceback") == 1  # its own, of the error below
    assert f"each worker process imports {script}, which would" in done.stderr
    assert '    if __name__ == "__main__":\n        run(study, jobs=2)\n' in done.stderr
    assert "memory" not in done.stderr
    assert not (tmp_path / "a.sqlite").exists()
