"""Which micro-kernel is the fastest on this processor: measured once, and kept.

How wide vectors are best cannot be read from a processor's flags: of those that know AVX-512 some
do its 512 bits at once, others in two halves or at a lower clock.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from chainrule._util.atomic import write_atomically

__all__ = ["keep_choice", "measure_libraries", "read_choice", "select_fastest"]

SLICE_SECONDS = 0.02
SLICES = 16
"""Each library is measured as often, in turn: others are at work too, and the best slice counts."""
MIN_GAIN = 1.03
"""The usual micro-kernel stays unless another is faster by more than what measuring may miss."""


def measure_libraries(libraries: Mapping[str, Path]) -> dict[str, float]:
    """Name → 10^9 operations a second of each library's products, in about a second."""
    functions = {name: load_measure(path) for name, path in libraries.items()}
    speeds = dict.fromkeys(libraries, 0.0)
    for _ in range(SLICES):
        for name, measure in functions.items():
            speeds[name] = max(speeds[name], measure(SLICE_SECONDS))
    return speeds


def load_measure(path: Path) -> Callable[[float], float]:
    """What a library measures itself by: seconds → 10^9 operations a second."""
    function = ctypes.CDLL(str(path)).measure_products
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double]
    measure: Callable[[float], float] = function
    return measure


def select_fastest(speeds: Mapping[str, float]) -> str:
    """The name of the fastest; the first of all, unless another is clearly faster."""
    usual, *_ = speeds
    fastest = max(speeds, key=lambda name: speeds[name])
    return fastest if speeds[fastest] > MIN_GAIN * speeds[usual] else usual


def read_choice(path: Path) -> str:
    """The name that was kept in this file, or ""."""
    with suppress(OSError, ValueError, LookupError, TypeError):
        return str(json.loads(path.read_text(encoding="utf-8"))["chosen"])
    return ""


def keep_choice(path: Path, name: str, speeds: Mapping[str, float]) -> None:
    """Write the name to the file, with the speeds it was chosen by. Raises OSError."""
    rounded = {known: round(speed, 1) for known, speed in speeds.items()}
    content = json.dumps({"chosen": name, "gflops": rounded}, indent=2) + "\n"
    write_atomically(path, content.encode())
