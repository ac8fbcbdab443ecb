"""Several arms: each against a baseline, or all pairs, with Holm's correction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from zlib import crc32

import numpy as np

from chainrule.statistics.bayes import correlated_t
from chainrule.statistics.comparison import Comparison, Comparisons
from chainrule.statistics.design import Design
from chainrule.statistics.effects import d_z, superiority
from chainrule.statistics.equivalence import EquivalenceTest, equivalence_test
from chainrule.statistics.pairwise import PairedTest, paired_test, rescaled_interval
from chainrule.statistics.scores import Array, Scores, StatisticsError, as_scores
from chainrule.statistics.sign_tests import (
    SignTest,
    min_sign_test_rounds,
    power_warning,
    sign_flip,
    wilcoxon,
)

__all__ = ["compare", "holm", "simultaneous_interval"]

FEW_ROUNDS = (
    "Fewer than 6 rounds: the t test rests on normal differences here; where they are skewed, "
    "equal arms differ at 0.05 in about 10 % of studies."
)


def holm(p: Scores) -> list[float]:
    """p̃₍ᵢ₎ = max over j ≤ i of min(1, (m − j + 1) p₍ⱼ₎), in the order given

    The probability of rejecting any true hypothesis stays at most alpha. (Holm 1979.)

    Raises StatisticsError for none, and for a p outside [0, 1].
    """
    values = as_scores(p, "p", at_least=1)
    if values.min() < 0 or values.max() > 1:
        raise StatisticsError(f"expected every p in [0, 1], got {values.tolist()}")
    order = np.argsort(values, kind="stable")
    steps = np.minimum(1, np.arange(len(values), 0, -1) * values[order])
    adjusted = np.empty_like(values)
    adjusted[order] = np.maximum.accumulate(steps)
    return [float(x) for x in adjusted]


def compare(
    scores: Mapping[str, Scores],
    design: Design,
    *,
    baseline: str | None = None,
    rope: float | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Comparisons:
    """Every arm against the baseline, or all pairs where there is none

    ``scores`` is arm → its scores, one a round; larger is better (negate a loss). The design
    decides the test; ``rope`` is in the metric's unit. There are arms − 1 comparisons with a
    baseline, else arms (arms − 1) / 2. The root ``seed`` feeds the sign-flip test beyond 20
    rounds; a pair draws the same whatever other arms there are.

    Raises StatisticsError for fewer than two arms or an unknown baseline, and as
    :func:`paired_t` and :func:`correlated_t`.
    """
    arms = {arm: as_scores(values, f"arm {arm}") for arm, values in scores.items()}
    pairs = list_pairs(list(arms), baseline)
    if len({len(values) for values in arms.values()}) > 1:
        rounds = ", ".join(f"{arm} {len(values)}" for arm, values in arms.items())
        raise StatisticsError(f"expected as many rounds of every arm, got {rounds}")
    found = []
    for a, b in pairs:
        comparison = compare_pair(a, b, arms[a], arms[b], design, rope, confidence)
        if design.independent:
            comparison = add_sign_tests(comparison, arms[a], arms[b], confidence, seed)
        found.append(comparison)
    return Comparisons(apply_holm(found), design, baseline, write_notes(found, design, confidence))


def list_pairs(arms: Sequence[str], baseline: str | None) -> list[tuple[str, str]]:
    """(arm, baseline) of each other arm; or all pairs, in the order of the arms."""
    if len(arms) < 2:
        raise StatisticsError(f"expected at least two arms, got {', '.join(arms) or 'none'}")
    if baseline is None:
        return list(combinations(arms, 2))
    if baseline not in arms:
        raise StatisticsError(
            f"no arm is named {baseline!r}, the baseline; arms: {', '.join(arms)}"
        )
    return [(arm, baseline) for arm in arms if arm != baseline]


def compare_pair(
    a: str,
    b: str,
    x: Array,
    y: Array,
    design: Design,
    rope: float | None,
    confidence: float,
) -> Comparison:
    """What any design allows; not yet corrected for the other comparisons."""
    test = paired_test(x, y, design, confidence=confidence)
    posterior = None if rope is None else correlated_t(x, y, design, rope=rope)
    tost = equivalence_test(x, y, design, rope=rope) if rope else None
    return Comparison(a, b, test, test.p, d_z(x, y), posterior, equivalence=tost)


def add_sign_tests(
    comparison: Comparison, x: Array, y: Array, confidence: float, seed: int
) -> Comparison:
    """The comparison with what independent rounds allow."""
    return replace(
        comparison,
        superiority=superiority(x, y, confidence=confidence),
        wilcoxon=wilcoxon(x, y),
        sign_flip=sign_flip(x, y, seed=pair_seed(seed, comparison.a, comparison.b)),
    )


def pair_seed(seed: int, a: str, b: str) -> int:
    """The seed of a pair of arms, whatever other arms there are; the same on every machine."""
    return crc32(repr((seed, a, b)).encode())


def apply_holm(found: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The comparisons with the p of each test corrected for all of them."""
    t = holm([c.test.p for c in found])
    w = holm_or_none([c.wilcoxon for c in found])
    f = holm_or_none([c.sign_flip for c in found])
    e = holm_or_none([c.equivalence for c in found])
    ends = [simultaneous_interval(c.test, p, len(found)) for c, p in zip(found, t, strict=True)]
    return tuple(
        replace(
            c,
            p_holm=t[i],
            wilcoxon_p_holm=w[i],
            sign_flip_p_holm=f[i],
            equivalence_p_holm=e[i],
            simultaneous_low=ends[i][0],
            simultaneous_high=ends[i][1],
        )
        for i, c in enumerate(found)
    )


def simultaneous_interval(test: PairedTest, p_holm: float, comparisons: int) -> tuple[float, float]:
    """d̄ ± t e at 1 − alpha / comparisons, cut at 0 where Holm's correction rejects 0

    Bonferroni's intervals hold for all comparisons at once at 1 − alpha. Holm rejects more: where
    it does so though the interval holds 0, the near end becomes 0, which then is outside. So an
    interval excludes 0 exactly where p_holm ≤ alpha. (Dunn 1961; Guilbaud 2008, on intervals for
    Holm's test.)
    """
    alpha = 1 - test.confidence
    low, high = rescaled_interval(test, 1 - alpha / comparisons)
    if p_holm > alpha:
        return low, high
    return (max(low, 0.0), high) if test.difference > 0 else (low, min(high, 0.0))


def holm_or_none(
    tests: Sequence[SignTest | EquivalenceTest | None],
) -> Sequence[float | None]:
    """The corrected p of tests of one kind; None where the design does not allow them."""
    done = [test for test in tests if test is not None]
    return holm([test.p for test in done]) if done else [None] * len(tests)


def write_notes(found: Sequence[Comparison], design: Design, confidence: float) -> tuple[str, ...]:
    """What must be said beside the table."""
    n, m = found[0].test.n, len(found)
    family = (
        f"An interval holds at {confidence:g} by itself; a simultaneous one holds for all {m} "
        "comparisons at once, as p_holm does."
    )
    notes = [
        f"n = {n} rounds. {design.scope}",
        family if m > 1 else None,
        power_warning(n, m, alpha=1 - confidence) if design.independent else None,
        FEW_ROUNDS if n < min_sign_test_rounds() else None,
        spread_warning([c for c in found if c.test.standard_error == 0]),
    ]
    return tuple(note for note in notes if note)


def spread_warning(same: Sequence[Comparison]) -> str | None:
    """A sentence where all differences of a comparison are the same number, else None."""
    if not same:
        return None
    pairs = ", ".join(f"{c.a} - {c.b}" for c in same)
    return (
        f"The difference is the same in every round ({pairs}). A spread of 0 is not certainty: "
        "there p is the chance that as many signs agree, and d_z is not known."
    )
