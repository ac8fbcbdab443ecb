"""The process that workers are forked from."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chainrule.processes import NEEDED, cores
from chainrule.study.executor import Workers

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers import all anew")

AHEAD = """\
import sys, time
from multiprocessing import forkserver
from chainrule.processes import ahead
ahead()
print(forkserver._forkserver._forkserver_pid, *sorted(sys.modules), flush=True)
time.sleep(60)
"""


@pytest.fixture
def begun():
    """A process that has called ``ahead``, in a process group of its own, as in a terminal."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", AHEAD]
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, process_group=0) as popen:
        try:
            yield popen
        finally:
            popen.kill()


def gone(pid: int, seconds: float = 20.0) -> bool:
    """Whether a process ends by itself within that time."""
    until = time.monotonic() + seconds
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        time.sleep(0.02)
    return not Path(f"/proc/{pid}").exists()


@LINUX
def test_ahead_costs_no_import_here_and_ctrl_c_while_it_imports_is_its_parents_business(begun):
    pid, *modules = begun.stdout.readline().split()
    assert "chainrule.processes" in modules
    assert not {"torch", "numpy", *NEEDED} & set(modules)
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
        workers = Workers(1)
        try:
            assert workers.submit(os.getenv, "CHAINRULE_TEST").result() == value
        finally:
            workers.close()


def test_there_is_a_core_at_least():
    assert cores() >= 1
