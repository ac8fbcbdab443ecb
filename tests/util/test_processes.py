"""The process that workers are forked from."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chainrule.__main__ import needs_workers
from chainrule._util.processes import available_cpus
from chainrule.study.execution.executors import ProcessExecutor

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers import all anew")

AHEAD = """\
import sys, time
from multiprocessing import forkserver
from chainrule._util.processes import preload_workers
preload_workers("chainrule.study.execution.runner")
print(forkserver._forkserver._forkserver_pid, *sorted(sys.modules), flush=True)
time.sleep(60)
"""


@pytest.fixture
def begun():
    """A process that called ``preload_workers``, in a group of its own, as in a terminal."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", AHEAD]
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, process_group=0) as popen:
        try:
            yield popen
        finally:
            popen.kill()


def blocks(pid: int, number: int) -> bool:
    """Whether a process does not receive this signal."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    mask = next(line for line in status.splitlines() if line.startswith("SigBlk"))
    return bool(int(mask.split()[1], 16) >> (number - 1) & 1)


def gone(pid: int, seconds: float = 20.0) -> bool:
    """Whether a process ends by itself within that time."""
    until = time.monotonic() + seconds
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        time.sleep(0.02)
    return not Path(f"/proc/{pid}").exists()


@LINUX
def test_ahead_costs_no_import_here_and_ctrl_c_while_it_imports_is_its_parents_business(begun):
    pid, *modules = begun.stdout.readline().split()
    assert "chainrule._util.processes" in modules
    assert not {"torch", "numpy", "chainrule.study.execution.runner", "chainrule.cli"} & set(
        modules
    )
    assert blocks(int(pid), signal.SIGINT)
    time.sleep(0.3)  # in the midst of its imports
    os.killpg(begun.pid, signal.SIGINT)
    _, errors = begun.communicate(timeout=20)
    assert errors.count("Traceback") == 1  # its parent's own
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert gone(int(pid))


@LINUX
def test_it_ends_with_its_parent_however_that_ends(begun):
    pid = int(begun.stdout.readline().split()[0])
    begun.kill()
    assert gone(pid)


def test_a_worker_has_the_variables_of_now(monkeypatch):
    for value in ("first", "second"):
        monkeypatch.setenv("CHAINRULE_TEST", value)
        workers = ProcessExecutor(1)
        try:
            assert workers.submit(os.getenv, "CHAINRULE_TEST").result() == value
        finally:
            workers.close()


@LINUX
def test_a_worker_looks_for_its_own_garbage_and_not_through_what_it_was_forked_with():
    workers = ProcessExecutor(1)
    try:
        assert workers.submit(gc.isenabled).result()
        assert workers.submit(gc.get_freeze_count).result() > 100_000  # PyTorch and all else
    finally:
        workers.close()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "digits", "--quick"], True),
        (["run", "digits", "--jobs", "1"], False),
        (["run", "digits", "--jobs=1"], False),
        (["run", "digits", "--engine", "dask"], False),
        (["run", "--help"], False),
        (["plan", "run"], False),
        ([], False),
    ],
)
def test_workers_are_begun_ahead_where_a_run_leaves_them_to_us(monkeypatch, arguments, expected):
    monkeypatch.setattr("chainrule.__main__.available_cpus", lambda: 2)
    assert needs_workers(arguments) is expected
    monkeypatch.setattr("chainrule.__main__.available_cpus", lambda: 1)
    assert not needs_workers(arguments)


@LINUX
@pytest.mark.slow
def test_where_no_socket_can_be_workers_import_all_anew(tmp_path):
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    code = (
        "from chainrule.study.execution.executors import ProcessExecutor\nimport os\n"
        "if __name__ == '__main__':\n    workers = ProcessExecutor(1)\n"
        "    print(workers._context.get_start_method())\n"
        "    print(workers.submit(os.getenv, 'TMPDIR').result())\n"
        "    workers.close()\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        env=os.environ | {"TMPDIR": str(deep)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (done.stdout, done.stderr) == (f"spawn\n{deep}\n", "")


def test_there_is_a_core_at_least():
    assert available_cpus() >= 1
