"""Rounds that share a pool of samples: what their predictions say of samples outside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from chainrule._util.argument_checks import check_arguments
from chainrule._util.kinds import describe_object
from chainrule._util.words import count_noun
from chainrule.statistics import special
from chainrule.statistics.checks import check_shares
from chainrule.statistics.errors import StatisticsError
from chainrule.statistics.pairs.pairwise import PairedTest, two_sided_p
from chainrule.statistics.scores import Array, as_numbers

__all__ = ["sample_test", "two_way_table", "two_way_test"]

Labels = Sequence[int] | NDArray[np.int64]


@check_arguments
def two_way_table(a: Array, b: Array, *, confidence: float = 0.95) -> PairedTest:
    """:func:`two_way_test` of two tables of scores, shape (rounds, samples)

    A sample that a round did not test is nan in both. Raises StatisticsError where the shapes
    differ or one table has a score that the other has not, and as :func:`two_way_test`.
    """
    x, y = as_numbers(a, "a"), as_numbers(b, "b")
    if x.ndim != 2 or x.shape != y.shape or (np.isnan(x) != np.isnan(y)).any():
        raise StatisticsError(
            "expected two tables (rounds, samples) with the same samples missing, "
            f"got the shapes {x.shape} and {y.shape}"
        )
    rounds, samples = np.nonzero(~np.isnan(x))
    return two_way_test((x - y)[rounds, samples], rounds, samples, confidence=confidence)


@check_arguments
def two_way_test(
    differences: Array,
    rounds: Labels,
    samples: Labels | NDArray[np.int64],
    *,
    confidence: float = 0.95,
) -> PairedTest:
    """Is the mean difference 0 for new rounds and new samples, of which these are a draw?

    ``differences`` is aⱼᵢ − bⱼᵢ, one a prediction of round j of sample i, shape (M,), in the
    metric's unit; ``rounds`` says which round, shape (M,), ``samples`` which sample, shape (M,),
    or which samples where a prediction is about several, such as the two images of a pair, shape
    (M, members). t = mean / √(V / M²), with V and its degrees of freedom from
    :func:`two_way_variance`. For scores that are means of per-sample scores, as an accuracy is.
    (Owen 2007; Cameron, Gelbach and Miller 2011.)

    Raises StatisticsError for fewer than three rounds or two samples, labels that do not fit, a
    difference that is not finite, a confidence outside (0, 1), differences without any spread.
    """
    check_shares(confidence=confidence)
    d = as_list(differences, "differences")
    by_round, by_sample = as_labels(rounds, d, "rounds", 1), as_labels(samples, d, "samples")
    variance, df = two_way_variance(d - d.mean(), by_round, by_sample)
    n = len(np.unique(by_round))
    return make_test("two-way t", float(d.mean()), math.sqrt(variance) / len(d), df, n, confidence)


@check_arguments
def sample_test(
    differences: Array, samples: Labels | NDArray[np.int64], *, confidence: float = 0.95
) -> PairedTest:
    """Is the mean difference of two nets, or of some pairs of them, 0 for new samples?

    As :func:`two_way_test`, with V_samples alone: nothing is said of other nets, so one round is
    enough. ``n`` is the number of samples. Of one round it is the paired t test over its samples.

    Raises StatisticsError as :func:`two_way_test`.
    """
    check_shares(confidence=confidence)
    d = as_list(differences, "differences")
    by_sample = as_labels(samples, d, "samples")
    variance, n = sample_variance(d - d.mean(), by_sample)
    if variance <= 0:
        raise StatisticsError("all predictions differ by the same number: no spread to judge by")
    error = math.sqrt(variance) / len(d)
    return make_test("paired t over samples", float(d.mean()), error, n - 1, n, confidence)


def as_list(scores: Array, name: str) -> Array:
    """The scores or differences of a test, shape (M,). Raises StatisticsError for others."""
    values = as_numbers(scores, name)
    if values.ndim != 1 or not len(values):
        raise StatisticsError(f"{name}: expected a list of numbers, got the shape {values.shape}")
    if not np.isfinite(values).all():
        raise StatisticsError(f"{name}: expected finite numbers; leave out what was not tested")
    return values


def as_labels(
    labels: Labels | NDArray[np.int64], scores: Array, name: str, most: int | None = None
) -> NDArray[np.int64]:
    """Which round or sample each score is of, shape (M, members), ``most`` of each

    Raises StatisticsError for others.
    """
    try:
        found = np.asarray(labels)
    except ValueError:  # lists of several lengths
        found = np.empty(0)
    fits = found.ndim in (1, 2) and len(found) == len(scores) and found.size
    table = found.reshape(len(scores), -1) if fits else np.empty((1, 0))
    if not 1 <= table.shape[1] <= (most or table.shape[1]) or (table != table).any():
        got = f"the shape {found.shape}" if found.ndim else describe_object(labels)
        many = count_noun(len(scores), "score")
        raise StatisticsError(f"{name}: expected a label of each of {many}, got {got}")
    return cast("NDArray[np.int64]", table)


def make_test(
    test: str, mean: float, error: float, df: int, n: int, confidence: float
) -> PairedTest:
    """The t test of a mean with this standard error."""
    half = float(special.stdtrit(df, (1 + confidence) / 2)) * error
    return PairedTest(
        test=test,
        difference=mean,
        low=mean - half,
        high=mean + half,
        confidence=confidence,
        standard_error=error,
        t=mean / error,
        df=df,
        p=two_sided_p(mean / error, df),
        n=n,
        chance=1.0,
    )


def sample_variance(e: Array, samples: NDArray[np.int64]) -> tuple[float, int]:
    """V_samples of :func:`two_way_variance`, and N; StatisticsError for fewer than two samples."""
    squares, N = label_sums(e, samples)
    if N < 2:
        raise StatisticsError(f"expected at least two samples, got {N}")
    cells = float((e * e).sum())
    return N / (N - 1) * max(squares - (samples.shape[1] - 1) * cells, 0.0), N


def two_way_variance(
    e: Array, rounds: NDArray[np.int64], samples: NDArray[np.int64]
) -> tuple[float, int]:
    """V = V_samples + max(0, V_rounds − Σⱼᵢ e² + C / (J−1)), and its degrees of freedom

    V_samples = N/(N−1) (Σⱼᵢ e² + C),   V_rounds = J/(J−1) Σⱼ (Σᵢ eⱼᵢ)²

    for ``e`` less its mean, shape (M,), labels of shape (M, members), J rounds and N samples.
    C = Σ eⱼᵢ eₖᵢ over all j ≠ k is what rounds share. What V_rounds has above its value without
    any difference between rounds is what rounds add. Degrees of freedom are Satterthwaite's:
    V_rounds has J − 1, the rest N − 1.
    """
    by_round, J = label_sums(e, rounds)
    by_sample, N = label_sums(e, samples)
    if J < 3 or N < 2:
        raise StatisticsError(f"expected at least 3 rounds and 2 samples, got {J} and {N}")
    cells = float((e * e).sum())
    shared = by_sample - samples.shape[1] * cells
    v_rounds = J / (J - 1) * by_round
    excess = v_rounds - (cells - shared / (J - 1))
    v = max(N / (N - 1) * (cells + shared), 0.0) + max(excess, 0.0)
    if v <= 0:
        raise StatisticsError("all predictions differ by the same number: no spread to judge by")
    if excess <= 0:
        return v, N - 1
    rest = v - v_rounds
    df = v * v / (v_rounds**2 / (J - 1) + rest * rest / (N - 1))
    return v, max(J - 1, round(df))


def label_sums(e: Array, labels: NDArray[np.int64]) -> tuple[float, int]:
    """Σ over labels of (Σ of e with this label)², and the number of labels; (M, members)."""
    known, index = np.unique(labels, return_inverse=True)
    sums = np.bincount(index.reshape(-1), weights=np.repeat(e, labels.shape[1]))
    return float((sums * sums).sum()), len(known)
