"""Which of the searched settings mattered: PED-ANOVA."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from chainrule.recipes.errors import StudyError
from chainrule.statistics import special
from chainrule.study.spec.sections.space import Dimension, Params
from chainrule.study.store.record import Value

__all__ = ["setting_importances"]

BEST_SHARE = 0.1
"""What a setting matters for: to be among so many of the best."""

MOST_CELLS = 50
"""A range of more values is divided into so many."""

NARROWEST = 0.5 / 1.64
"""The least width of a kernel, in cells: nine tenths of it are in its own."""

Array = NDArray[np.float64]


def setting_importances(
    space: Mapping[str, Dimension],
    candidates: Sequence[tuple[Params, float]],
    *,
    maximize: bool,
) -> dict[str, float]:
    """D = Σ p_all(x) (p_best(x) / p_all(x) − 1)² of each path's values x, as shares of their sum

    How far the values that a path has among the best tenth of these (setting, value) are from those
    that it has among all (Watanabe, Bansal and Hutter, PED-ANOVA: efficiently quantifying
    hyperparameter importance in arbitrary subspaces, 2023). Paths with one value have 0. Where no
    path differs, each has the same share. What is not finite counts for nothing.

    Raises StudyError for fewer than two candidates, or no path that varies.
    """
    finite = [(setting, value) for setting, value in candidates if math.isfinite(value)]
    varied = [p for p in space if len({repr(setting[p]) for setting, _ in finite}) > 1]
    if len(finite) < 2 or not varied:
        raise StudyError("importance: expected two candidates or more that differ in a setting")
    losses = np.array([-value if maximize else value for _, value in finite])
    best = losses <= np.sort(losses)[math.ceil(BEST_SHARE * len(losses)) - 1]
    found = {
        path: compare_best(of, [setting[path] for setting, _ in finite], best)
        for path, of in space.items()
    }
    total = sum(found.values())
    return {path: d / total if total else 1 / len(found) for path, d in found.items()}


def compare_best(dimension: Dimension, values: Sequence[Value], best: NDArray[np.bool_]) -> float:
    """D, above, of a path with these values."""
    n = count_cells(dimension)
    if n == 1:
        return 0.0
    at = np.array([scale_value(dimension, value) for value in values])
    cells = np.clip(np.ceil(at * (n - 1) - 0.5), 0, n - 1).astype(int)
    estimate = estimate_ordered if dimension.values is None else estimate_unordered
    p_all, p_best = (estimate(np.bincount(c, minlength=n)) + 1e-12 for c in (cells, cells[best]))
    return float((p_all * (p_best / p_all - 1) ** 2).sum())


def count_cells(dimension: Dimension) -> int:
    """How many values are told apart: all of a list, a few of whole numbers by their logarithm."""
    if dimension.values is not None:
        return len(dimension.values)
    low, high = float(dimension.low or 0), float(dimension.high or 0)
    if low == high:
        return 1
    if dimension.cells is not None:
        return min(len(dimension.cells), MOST_CELLS)
    if dimension.integer:
        return min(math.ceil(math.log2(high - low + 1)) + 1, MOST_CELLS)
    return MOST_CELLS


def scale_value(dimension: Dimension, value: Value) -> float:
    """Where a value lies, from 0, the first or least one, to 1."""
    if dimension.cells is not None:
        return dimension.find_cell(value) / (len(dimension.cells) - 1)
    low, high, x = float(dimension.low or 0), float(dimension.high or 0), float(value)
    if dimension.log:
        low, high, x = math.log(low), math.log(high), math.log(x)
    return (x - low) / (high - low)


def estimate_unordered(counts: NDArray[np.int_]) -> Array:
    """The probability of each category, given how often each was seen."""
    seen = np.flatnonzero(counts)
    kernels = np.full((len(seen) + 1, len(counts)), 1 / (len(seen) + 1))  # the last is uniform
    kernels[np.arange(len(seen)), seen] += 1
    return mix_kernels(kernels, counts[seen])


def estimate_ordered(counts: NDArray[np.int_]) -> Array:
    """The same for cells in a row: normal kernels, as wide as Scott's rule says (1992)."""
    seen, n = np.flatnonzero(counts), len(counts)
    weights = counts[seen]
    total, until = weights.sum(), weights.cumsum()
    mean = (seen * weights).sum() / total
    std = math.sqrt(((seen - mean) ** 2 * weights).sum() / max(1, total - 1))
    lower = seen[np.searchsorted(until, total // 4, side="left")]
    upper = seen[min(np.searchsorted(until, total * 3 // 4, side="right"), len(seen) - 1)]
    width = max(1.059 * min((upper - lower) / 1.34, std) * total**-0.2, NARROWEST)
    centers = np.append(seen, (n - 1) / 2)  # the last is as wide as the row
    widths = np.append(np.full(len(seen), width), n)
    edges = np.arange(n + 1) - 0.5
    below = special.ndtr((edges - centers[:, None]) / widths[:, None])
    return mix_kernels(np.diff(below, axis=1), weights)


def mix_kernels(kernels: Array, counts: NDArray[np.int_]) -> Array:
    """The mean of the kernels, of which each adds up to 1 then; the last one counts once."""
    shares = kernels / kernels.sum(axis=1, keepdims=True)
    return np.average(shares, axis=0, weights=np.append(counts, 1))
