"""Shared by all tests."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small products; and the tests run side by side

# What is compiled is kept from one run of the tests to the next, and not in the user's home.
os.environ.setdefault("CHAINRULE_CACHE", str(Path(__file__).parents[1] / "build" / "kernels"))

# What the user has set for all studies is no part of a test.
os.environ["XDG_CONFIG_HOME"] = str(Path(__file__).parents[1] / "build" / "config")

import pytest
import torch
from hypothesis import HealthCheck, settings

from chainrule.compiled import BuildError, build_kernel

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Begun in the background of a script: the commands that tests run would not see Ctrl-C either.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A machine that others use too is no fault of an example.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


def pytest_configure(config: pytest.Config) -> None:
    """Build the kernels before the first test, and not beside some: those would be other tests."""
    if not hasattr(config, "workerinput"):
        with suppress(BuildError):
            for dtype in (torch.float32, torch.float64):
                build_kernel(dtype)


@pytest.fixture(autouse=True)
def _fresh_randomness():
    """A test draws the same numbers alone and among others."""
    torch.default_generator.manual_seed(0)
