"""Several arms: each against a baseline, or all pairs, with Holm's correction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from zlib import crc32

from chainrule._util.argument_checks import check_arguments
from chainrule._util.suggest import did_you_mean
from chainrule.statistics.arms.comparison import Comparison, Comparisons
from chainrule.statistics.arms.family import (
    CorrectedEquivalence,
    CorrectedTest,
    Family,
    ScorePair,
    holm,
)
from chainrule.statistics.checks import check_at_least
from chainrule.statistics.design import Design
from chainrule.statistics.errors import StatisticsError
from chainrule.statistics.pairs.bayes import correlated_t
from chainrule.statistics.pairs.effects import d_z, superiority
from chainrule.statistics.pairs.sign_tests import (
    SignTest,
    min_sign_test_rounds,
    power_warning,
    sign_flip,
    wilcoxon,
)
from chainrule.statistics.rounds.sequential import SequentialDesign
from chainrule.statistics.scores import Array, Scores, as_arms

__all__ = ["compare", "list_pairs"]

MOST_NAMED = 6
"""Of more pairs in a note it says how many."""

FEW_ROUNDS = (
    "Fewer than 6 rounds: the t test rests on normal differences here; where they are skewed, "
    "equal arms differ at 0.05 in about 10 % of studies."
)


@check_arguments
def compare(
    scores: Mapping[str, Scores],
    design: Design,
    *,
    baseline: str | None = None,
    rope: float | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    looks: SequentialDesign | None = None,
    others: Sequence[ScorePair] = (),
    missing: int = 0,
) -> Comparisons:
    """Every arm against the baseline, or all pairs where there is none

    ``scores`` is arm → its scores, one a round; larger is better (negate a loss). The design
    decides the test; ``rope`` is in the metric's unit. There are arms − 1 comparisons with a
    baseline, else arms (arms − 1) / 2. The root ``seed`` feeds the sign-flip test beyond 30
    rounds; a pair draws the same whatever other arms there are.

    - ``looks``: when the study is looked at while it runs. Rounds after the last of these that has
      been reached are not used, and p and intervals allow for all of them.
    - ``others``: the two lists of scores of each further test that Holm's correction counts, such
      as those of :func:`factor_contrasts`; one that is a comparison already counts once.
    - ``missing``: how many tests it counts besides that have no scores yet.

    Raises StatisticsError for fewer than two arms or an unknown baseline, before the first look,
    and as :func:`paired_t` and :func:`correlated_t`.
    """
    arms = as_arms(scores)
    pairs = list_pairs(list(arms), baseline)
    check_at_least(0, missing=missing)
    own = [(arms[a], arms[b]) for a, b in pairs]
    family = Family(design, confidence, looks, len(own[0][0]), missing)
    corrected = family.correct(own, others, rope=rope)
    equivalences = family.correct_equivalence(own, rope) if rope else [None] * len(own)
    found = []
    for (a, b), of, same in zip(pairs, corrected, equivalences, strict=True):
        x, y = arms[a][: family.n], arms[b][: family.n]
        comparison = build_comparison((a, b), (x, y), of, same, rope, design)
        if design.independent:
            comparison = add_sign_tests(comparison, x, y, confidence, seed)
        found.append(comparison)
    m = family.count(own, others)
    comparisons = correct_sign_tests(found)
    notes = write_notes(comparisons, family, m)
    return Comparisons(design, notes, m, family.shared_looks(m), comparisons, baseline)


@check_arguments
def list_pairs(arms: Sequence[str], baseline: str | None) -> list[tuple[str, str]]:
    """(arm, baseline) of each other arm; or all pairs, in the order of the arms."""
    if len(arms) < 2:
        raise StatisticsError(f"expected at least two arms, got {', '.join(arms) or 'none'}")
    if baseline is None:
        return list(combinations(arms, 2))
    if baseline not in arms:
        raise StatisticsError(
            f"no arm is named {baseline!r}, the baseline; {did_you_mean(baseline, arms)}"
            f"arms: {', '.join(arms)}"
        )
    return [(arm, baseline) for arm in arms if arm != baseline]


def build_comparison(
    pair: tuple[str, str],
    scores: tuple[Array, Array],
    found: CorrectedTest,
    same: CorrectedEquivalence | None,
    rope: float | None,
    design: Design,
) -> Comparison:
    """What any design allows."""
    decided = [t.decided_at for t in (found, same) if t and t.decided_at is not None]
    return Comparison(
        *pair,
        found.test,
        found.p_holm,
        d_z(*scores),
        posterior=None if rope is None else correlated_t(*scores, design, rope=rope),
        equivalence=None if same is None else same.test,
        equivalence_p_holm=None if same is None else same.p_holm,
        simultaneous_low=found.simultaneous_low,
        simultaneous_high=found.simultaneous_high,
        p_looks=found.p_looks,
        decided_at=min(decided, default=None),
        chance=found.chance,
    )


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


def correct_sign_tests(found: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The comparisons with the p of each test of signs corrected for all of them."""
    w = holm_or_none([c.wilcoxon for c in found])
    f = holm_or_none([c.sign_flip for c in found])
    return tuple(
        replace(c, wilcoxon_p_holm=w[i], sign_flip_p_holm=f[i]) for i, c in enumerate(found)
    )


def holm_or_none(
    tests: Sequence[SignTest | None],
) -> Sequence[float | None]:
    """The corrected p of tests of one kind; None where the design does not allow them."""
    done = [test for test in tests if test is not None]
    return holm([test.p for test in done]) if done else [None] * len(tests)


def write_notes(found: Sequence[Comparison], family: Family, m: int) -> tuple[str, ...]:
    """What must be said beside the table; m tests are corrected together."""
    n, alpha = family.n, 1 - family.confidence
    notes = [
        *family.notes(len(found), m),
        power_warning(n, len(found), alpha=alpha) if family.design.independent else None,
        FEW_ROUNDS if n < min_sign_test_rounds() else None,
        spread_warning([c for c in found if c.test.standard_error == 0]),
    ]
    return tuple(note for note in notes if note)


def spread_warning(same: Sequence[Comparison]) -> str | None:
    """A sentence where all differences of a comparison are the same number, else None."""
    if not same:
        return None
    pairs = ", ".join(f"{c.a} - {c.b}" for c in same[:MOST_NAMED])
    more = f" and {len(same) - MOST_NAMED} more" if len(same) > MOST_NAMED else ""
    return (
        f"The difference is the same in every round ({pairs}{more}). A spread of 0 is not "
        "certainty: there p is the chance that as many signs agree, and d_z is not known."
    )
