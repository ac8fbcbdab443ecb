"""Is the difference of two arms too small to matter? "No difference" as a finding of its own."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule._util.argument_checks import check_arguments
from chainrule.statistics.checks import check_above_zero
from chainrule.statistics.design import Design
from chainrule.statistics.pairs.pairwise import coincidence, one_sided_p, standard_error
from chainrule.statistics.scores import Scores, pair_scores

__all__ = ["EquivalenceTest", "equivalence_test"]


@dataclass(frozen=True)
class EquivalenceTest:
    """Two one-sided tests of "the mean difference is at least the rope, one way or the other".

    A small ``p`` shows that the mean difference is within ± ``rope``, in the metric's unit.
    ``p_lower`` is that of "−rope or less", ``p_upper`` that of "rope or more"; p is the larger.
    """

    rope: float
    p: float
    p_lower: float
    p_upper: float
    n: int


@check_arguments
def equivalence_test(a: Scores, b: Scores, design: Design, *, rope: float) -> EquivalenceTest:
    """p = max(P(T ≥ (d̄ + rope) / e), P(T ≤ (d̄ − rope) / e)), n − 1 degrees of freedom

    e is the standard error that the design asks for. p ≤ 0.05 is the same as a 90 % interval
    within ± rope. With s = 0 each p is the chance that all signs agree, or 1.
    (Schuirmann 1987; Lakens 2017.)

    Raises StatisticsError for a rope that is not positive, and as :func:`paired_t`.
    """
    check_above_zero(rope=rope)
    d = pair_scores(a, b)
    error = standard_error(d, design.test_over_train)
    lower, upper = (
        one_sided_p(distance, error, d.n)
        if error
        else coincidence(d.n, design.test_over_train) / 2
        if distance > 0
        else 1.0
        for distance in (d.mean + rope, rope - d.mean)
    )
    return EquivalenceTest(rope, max(lower, upper), lower, upper, d.n)
