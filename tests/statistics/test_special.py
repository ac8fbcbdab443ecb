"""scipy.special's functions, loaded without the package around them, which stays whole."""

from __future__ import annotations

import subprocess
import sys

FUNCTIONS = """import sys
from chainrule.statistics import special
print(float(special.stdtr(3.0, 0.0)), "scipy.special" in sys.modules, hasattr(special, "no_such"))
"""
PACKAGE = """import sys
from chainrule.statistics import special
special.stdtr
import scipy.special, scipy.stats
print(scipy.special.stdtr is special.stdtr, scipy.special.softmax([0.0, 0.0])[0])
print(scipy.stats.t.cdf(0, 3), scipy.special._ufuncs.__name__)
"""
THREAD = """import sys
from chainrule.statistics import special
stand_in = sys.modules["scipy.special"] = special.StandIn("scipy.special")
from scipy.special import softmax
print(softmax([0.0, 0.0])[0], sys.modules["scipy.special"] is stand_in)
"""
MISSING = """import sys
sys.modules["scipy.special._ufuncs"] = None  # as where SciPy has it no more
from chainrule.statistics import special
try:
    special.stdtr
except ImportError as error:
    print("scipy.special" in str(error), type(sys.modules.get("scipy.special")).__name__)
"""


def run_code(code: str) -> list[str]:
    """The words that a fresh interpreter prints."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split()


def test_functions_are_had_without_the_package():
    assert run_code(FUNCTIONS) == ["0.5", "False", "False"]


def test_the_package_is_whole_afterwards():
    assert run_code(PACKAGE) == ["True", "0.5", "0.5", "scipy.special._ufuncs"]


def test_a_thread_that_imports_the_package_meanwhile_has_it():
    assert run_code(THREAD) == ["0.5", "False"]


def test_the_whole_package_is_asked_where_there_is_no_compiled_module():
    assert run_code(MISSING) == ["True", "NoneType"]
