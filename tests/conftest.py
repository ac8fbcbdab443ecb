"""Shared by all tests."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small products; and the tests run side by side

import pytest
import torch


@pytest.fixture(autouse=True)
def _fresh_randomness():
    """A test draws the same numbers alone and among others."""
    torch.manual_seed(0)
