"""The cases, one a file: each has ``run(options)``, which gives its rows."""

from __future__ import annotations

from benchmarks.cases import (
    conv2,
    disk,
    engines,
    lenet,
    norm,
    packed,
    pair_mlp,
    scaling,
    sklearn,
    startup,
    studies,
    wide,
)

__all__ = ["CASES"]

CASES = {
    "disk": disk,
    "pair-mlp": pair_mlp,
    "conv2": conv2,
    "lenet": lenet,
    "norm": norm,
    "packed": packed,
    "wide": wide,
    "studies": studies,
    "startup": startup,
    "sklearn": sklearn,
    "scaling": scaling,
    "engines": engines,
}
