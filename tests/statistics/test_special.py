"""scipy.special, loaded without all of NumPy."""

from __future__ import annotations

import subprocess
import sys

CODE = """import sys, numpy
from chainrule.statistics import special
print(float(special.stdtr(3.0, 0.0)), "numpy.f2py" in sys.modules, hasattr(special, "no_such"))
numpy.testing.assert_equal(numpy.f2py.__name__, "numpy.f2py")
"""


def test_what_is_not_copied_is_there_afterwards():
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["0.5", "False", "False"]
