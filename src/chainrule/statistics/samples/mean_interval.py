"""How sure is the mean of per-sample scores, such as one arm's accuracy?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule._util.argument_checks import check_arguments
from chainrule.statistics import special
from chainrule.statistics.checks import check_shares
from chainrule.statistics.samples.two_way import (
    Labels,
    as_labels,
    as_list,
    label_sums,
    sample_variance,
    two_way_variance,
)
from chainrule.statistics.scores import Array

__all__ = ["MeanInterval", "mean_interval"]


@dataclass(frozen=True)
class MeanInterval:
    """A mean of per-sample scores and its interval at the level ``confidence``.

    ``rounds`` and ``samples`` are how many there are. ``generalizes``: it holds for new rounds, and
    not only for the nets that were trained; it takes three rounds to say that.
    """

    mean: float
    low: float
    high: float
    confidence: float
    standard_error: float
    df: int
    rounds: int
    samples: int
    generalizes: bool


@check_arguments
def mean_interval(
    scores: Array,
    rounds: Labels,
    samples: Labels | NDArray[np.int64],
    *,
    confidence: float = 0.95,
) -> MeanInterval:
    """The interval of the mean score for new samples, and from three rounds on for new rounds

    ``scores`` is one a prediction, shape (M,); ``rounds`` and ``samples`` as in
    :func:`two_way_test`. The variance V of the mean is that between rounds, with J − 1 degrees of
    freedom, where no two rounds share a sample, and else the two-way one; of fewer than three
    rounds it is that between samples alone.

    For scores that are all 0 or 1 the interval is Wilson's for n = p̂(1 − p̂)/V trials, with the
    quantile t of Student's distribution: where |p̂ − p| ≤ t √(p (1 − p)/n). Others have mean ± t √V.
    (Wilson 1927; Owen 2007; Franco, Little, Louis and Slud 2019.)

    Raises StatisticsError for fewer than two samples, labels that do not fit, a score that is not
    finite, a confidence outside (0, 1).
    """
    check_shares(confidence=confidence)
    y = as_list(scores, "scores")
    by_round, by_sample = as_labels(rounds, y, "rounds", 1), as_labels(samples, y, "samples")
    mean = float(y.mean())
    variance, df, J, N = mean_variance(y - mean, by_round, by_sample)
    t = float(special.stdtrit(df, (1 + confidence) / 2))
    half = t * math.sqrt(variance)
    low, high = mean - half, mean + half
    if ((y == 0) | (y == 1)).all():
        trials = mean * (1 - mean) / variance if variance > 0 else float(N)
        low, high = share_interval(mean, trials, t)
    return MeanInterval(mean, low, high, confidence, math.sqrt(variance), df, J, N, J > 2)


def mean_variance(
    e: Array, rounds: NDArray[np.int64], samples: NDArray[np.int64]
) -> tuple[float, int, int, int]:
    """The variance of the mean, its degrees of freedom, and the numbers of rounds and samples."""
    by_round, J = label_sums(e, rounds)
    v, N = sample_variance(e, samples)
    M = len(e)
    if J < 3 or not e.any():
        return v / M**2, N - 1, J, N
    if are_apart(rounds, samples):
        return J / (J - 1) * by_round / M**2, J - 1, J, N
    v, df = two_way_variance(e, rounds, samples)
    return v / M**2, df, J, N


def are_apart(rounds: NDArray[np.int64], samples: NDArray[np.int64]) -> bool:
    """Whether no sample is in two rounds."""
    pairs = np.stack([np.repeat(rounds, samples.shape[1]), samples.reshape(-1)], axis=1)
    return len(np.unique(pairs, axis=0)) == len(np.unique(samples))


def share_interval(share: float, trials: float, t: float) -> tuple[float, float]:
    """The p with |share − p| ≤ t √(p (1 − p) / trials)."""
    middle = share + t * t / (2 * trials)
    half = t * math.sqrt(share * (1 - share) / trials + (t / (2 * trials)) ** 2)
    scale = 1 + t * t / trials
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)
