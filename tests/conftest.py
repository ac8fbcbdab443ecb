"""Shared by all tests."""

from __future__ import annotations

import os
import signal

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small products; and the tests run side by side

import pytest
import torch

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Begun in the background of a script: the commands that tests run would not see Ctrl-C either.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _fresh_randomness():
    """A test draws the same numbers alone and among others."""
    torch.manual_seed(0)
