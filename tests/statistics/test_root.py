"""Bisection."""

from __future__ import annotations

import math

import pytest
from scipy.optimize import brentq

from chainrule.statistics.root import find_root


@pytest.mark.parametrize(
    ("f", "low", "high"),
    [
        (lambda x: math.exp(x) - 3, 0.0, 37.0),
        (lambda x: 0.05 - math.erfc(x / 3), 0.0, 37.0),
        (lambda x: x**3 - 2, -1.0, 2.0),
        (lambda x: x - 0.25, 0.25, 1.0),
    ],
)
def test_it_finds_what_brents_method_finds(f, low, high):
    assert find_root(f, low, high) == pytest.approx(brentq(f, low, high, xtol=1e-13), abs=2e-12)
    assert find_root(lambda x: -f(x), low, high) == find_root(f, low, high)
