"""Where the variance of a mean comes from: samples, rounds, seeds, settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from chainrule._util.argument_checks import check_arguments
from chainrule._util.kinds import describe_object
from chainrule.statistics.errors import StatisticsError
from chainrule.statistics.samples.two_way import Labels, as_labels, as_list
from chainrule.statistics.scores import Array

__all__ = ["VariancePart", "variance_parts"]

REST = "rest"


@dataclass(frozen=True)
class VariancePart:
    """What one factor adds: ``variance`` from level to level, ``of_mean`` to that of the mean.

    ``levels``: how many samples, rounds or settings there are; of the rest, scores.
    """

    name: str
    variance: float
    of_mean: float
    levels: int


@check_arguments
def variance_parts(
    scores: Array, factors: Mapping[str, Labels | NDArray[np.int64]]
) -> list[VariancePart]:
    """The parts of yₘ = μ + Σ_f Z_f u_f + rest, with u_f ~ (0, σ²_f)

    ``factors`` is name → which level each of the M scores has, shape (M,), or which levels where
    there are several, (M, members). Z_f counts them, (M, levels). With C = I − 11ᵀ/M the σ² solve
    Σ_g ‖Z_fᵀ C Z_g‖² σ²_g = ‖Z_fᵀ C y‖², and what comes out below 0 is 0; a factor adds
    σ²_f ‖Z_fᵀ 1‖² / M² to the variance of the mean. A factor with as many levels as scores takes
    the place of the rest. (Rao 1970, MINQUE(0); for a whole table the analysis of variance.)

    Raises StatisticsError for labels that do not fit, scores that are not finite, a factor with
    one level, and factors that cannot be told apart.
    """
    y = as_list(scores, "scores")
    if not isinstance(factors, Mapping) or not factors:
        expected = "expected a dict of factors and the labels of the scores"
        raise StatisticsError(f"factors: {expected}, got {describe_object(factors)}")
    designs = {name: count_levels(as_labels(of, y, name)) for name, of in factors.items()}
    for name, Z in designs.items():
        if Z.shape[1] < 2:
            raise StatisticsError(f"{name}: expected at least two, got {Z.shape[1]}")
    if all(Z.shape[1] < len(y) for Z in designs.values()):
        designs[REST] = scipy.sparse.identity(len(y), format="csr")
    e = y - y.mean()
    matrix = np.array([[cross_norm(Z, W) for W in designs.values()] for Z in designs.values()])
    scale = np.sqrt(np.diag(matrix))
    if np.linalg.cond(matrix / np.outer(scale, scale)) > 1e10:
        raise StatisticsError(f"these factors cannot be told apart: {', '.join(designs)}")
    squares = np.array([float(((Z.T @ e) ** 2).sum()) for Z in designs.values()])
    variances = np.maximum(np.linalg.solve(matrix, squares), 0.0)
    return [
        VariancePart(name, float(v), float(v * sum_of_squares(Z)) / len(y) ** 2, Z.shape[1])
        for (name, Z), v in zip(designs.items(), variances, strict=True)
    ]


def count_levels(table: NDArray[np.int64]) -> scipy.sparse.csr_matrix:
    """Z: how often a score has each level, (M, levels)."""
    known, index = np.unique(table, return_inverse=True)
    rows = np.repeat(np.arange(len(table)), table.shape[1])
    ones = np.ones(len(rows))
    return scipy.sparse.csr_matrix(
        (ones, (rows, index.reshape(-1))), shape=(len(table), len(known))
    )


def cross_norm(Z: scipy.sparse.csr_matrix, W: scipy.sparse.csr_matrix) -> float:
    """‖Zᵀ C W‖², where C takes away the mean over the scores."""
    product, M = (Z.T @ W).tocsr(), Z.shape[0]
    u, v = (np.asarray(A.sum(axis=0)).reshape(-1) for A in (Z, W))
    both, shift = float((product.data**2).sum()), float(u @ (product @ v))
    return float(both - 2 * shift / M + float(u @ u) * float(v @ v) / M**2)


def sum_of_squares(Z: scipy.sparse.csr_matrix) -> float:
    """‖Zᵀ 1‖²"""
    counts = np.asarray(Z.sum(axis=0)).reshape(-1)
    return float(counts @ counts)
