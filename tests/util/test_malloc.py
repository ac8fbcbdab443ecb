"""Freed memory stays with a process that trains."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chainrule._util import malloc as memory

STEPS = """
import resource, torch
from chainrule._util.malloc import disable_malloc_trim
torch.set_num_threads(1)
{keep}
def step():
    return torch.ones(12_000_000).sum()  # more than the C library ever keeps by itself
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):  # until the heap has found its size
    step()
before = faults()
for _ in range(10):
    step()
print(faults() - before)
"""


def faults(keep: str) -> int:
    """Pages asked of the system by ten steps that make 48 MB each, after as many."""
    done = subprocess.run(
        [sys.executable, "-c", STEPS.format(keep=keep)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is glibc's")
def test_steps_after_the_first_ask_the_system_for_no_memory():
    if not memory.disable_malloc_trim():
        pytest.skip("this C library has no mallopt")
    assert 3 * faults("disable_malloc_trim()") < faults("")


def test_elsewhere_it_does_nothing(monkeypatch):
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    assert memory.disable_malloc_trim() is False


@pytest.mark.skipif(sys.platform != "linux", reason="only there it is asked for")
def test_a_c_library_without_mallopt_is_left_alone(monkeypatch):
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: object())
    assert memory.disable_malloc_trim() is False
