"""How many rounds show a difference, and how large a difference do these rounds show?"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from chainrule._util.argument_checks import check_arguments
from chainrule._util.plain_data import finite_or_none
from chainrule.statistics import special
from chainrule.statistics.checks import check_above_zero, check_at_least, check_finite, check_shares
from chainrule.statistics.design import Design, FreshData
from chainrule.statistics.errors import StatisticsError
from chainrule.statistics.pairs.pairwise import PairedTest
from chainrule.statistics.root import find_root

__all__ = ["Sensitivity", "detectable_effect", "plan_rounds", "sensitivity", "t_test_power"]

MOST_ROUNDS = 100_000


@check_arguments
def t_test_power(
    n: int,
    effect: float,
    *,
    comparisons: int = 1,
    alpha: float = 0.05,
    design: Design | None = None,
) -> float:
    """P(|T| > t) for noncentral T, n − 1 degrees of freedom, δ = d_z / √(1/n + n_test/n_train)

    The probability that the two-sided t test of n rounds finds an ``effect`` of d_z standard
    deviations of the differences, at alpha / comparisons: Holm's first step, and Bonferroni's.
    The ratio is that of the ``design``, 0 for independent rounds, which is the default.
    (Cohen 1988; Nadeau and Bengio 2003.)

    Raises StatisticsError for fewer than two rounds, no comparison, an effect that is not finite,
    an alpha outside (0, 1).
    """
    check_at_least(2, n=n)
    check_at_least(1, comparisons=comparisons)
    check_shares(alpha=alpha)
    check_finite(effect=effect)
    df = n - 1
    ratio = (design or FreshData()).test_over_train
    delta = abs(effect) / math.sqrt(1 / n + ratio)
    critical = -float(special.stdtrit(df, alpha / comparisons / 2))
    above = 1 - float(special.nctdtr(df, delta, critical))
    below = float(special.nctdtr(df, delta, -critical))
    if math.isnan(above):  # for a δ so large that the normal part of T is nothing beside it
        ratio = delta / critical
        above = float(special.chdtr(df, df * ratio * ratio))
    return above + (0.0 if math.isnan(below) else below)  # scipy's nan where it underflows


@check_arguments
@lru_cache(maxsize=1024)  # the row of a test, its notes and sentences ask for the same
def plan_rounds(
    effect: float,
    *,
    power: float = 0.8,
    comparisons: int = 1,
    alpha: float = 0.05,
    design: Design | None = None,
) -> int | None:
    """The fewest rounds whose t test finds the effect (d_z) with this power

    None where no number does: re-splits of one data set never tell more than 1 / (n_test/n_train)
    independent rounds. Raises StatisticsError for an effect of 0, a power outside (0, 1), and as
    :func:`t_test_power`.
    """
    check_shares(power=power)
    if not effect:
        raise StatisticsError("effect: expected another number than 0, got 0")

    def suffices(n: int) -> bool:
        reached = t_test_power(n, effect, comparisons=comparisons, alpha=alpha, design=design)
        return reached >= power

    if suffices(2):
        return 2
    ratio = (design or FreshData()).test_over_train
    n, step = guess_rounds(effect, power, alpha / comparisons, ratio), 1
    least, most = 2, MOST_ROUNDS + 1
    while most - least > 1:
        if suffices(n):
            most, n = n, n - step
        else:
            least, n = n, n + step
        step *= 2
        if not least < n < most:
            n = (least + most) // 2
    return most if most <= MOST_ROUNDS else None


def guess_rounds(effect: float, power: float, alpha: float, ratio: float) -> int:
    """As many as the test would need if the spread were known: 1/n + ratio = (d_z / (z_α + z_β))²

    The t test needs few more, so that looking on from here takes few steps.
    """
    z = float(special.ndtri(power) - special.ndtri(alpha / 2))
    share = (effect / z) ** 2 - ratio if z > 0 else math.inf
    return max(3, math.ceil(1 / share)) if share * MOST_ROUNDS > 1 else MOST_ROUNDS


@check_arguments
@lru_cache(maxsize=1024)  # the tests of a table ask for a few, many times
def detectable_effect(
    n: int,
    *,
    power: float = 0.8,
    comparisons: int = 1,
    alpha: float = 0.05,
    design: Design | None = None,
) -> float:
    """The smallest effect, in d_z, that the t test of n rounds finds with this power

    Raises StatisticsError for a power that is not between alpha and 1, and as
    :func:`t_test_power`.
    """
    check_at_least(1, comparisons=comparisons)
    check_shares(alpha=alpha)
    if not alpha / comparisons < power < 1:
        raise StatisticsError(f"power: expected a number between alpha and 1, got {power}")

    def shortfall(effect: float) -> float:
        reached = t_test_power(n, effect, comparisons=comparisons, alpha=alpha, design=design)
        return reached - power

    most = 1.0
    while shortfall(most) < 0:
        most *= 2
    return find_root(shortfall, 0.0, most)


@dataclass(frozen=True)
class Sensitivity:
    """What a comparison could have found, for the sentence beside "no difference found".

    ``d_z`` is the effect that its rounds find with ``power``, ``difference`` the same in the
    metric's unit at the spread that was observed. ``rounds_needed`` is how many rounds would find
    the difference ``wanted`` at that spread: None where no number would, or none was wanted.
    """

    n: int
    comparisons: int
    power: float
    d_z: float
    difference: float
    wanted: float | None
    rounds_needed: int | None

    def as_row(self) -> dict[str, Any]:
        """The row as JSON data."""
        sizes = {"d_z": self.d_z, "difference": self.difference}
        return asdict(self) | {name: finite_or_none(x) for name, x in sizes.items()}


@check_arguments
def sensitivity(
    test: PairedTest,
    design: Design,
    *,
    comparisons: int = 1,
    wanted: float | None = None,
    power: float = 0.8,
    level: float | None = None,
) -> Sensitivity:
    """What a test that is one of ``comparisons`` could have found, at its own alpha

    ``wanted`` is a difference in the metric's unit, such as the rope. ``level`` is what p must not
    exceed where that is not alpha / comparisons, as at a look. With a spread of 0 nothing is known
    of it: the detectable difference is 0 and no rounds are planned.

    Raises StatisticsError for a wanted difference that is not positive, and as
    :func:`detectable_effect`.
    """
    if wanted is not None:
        check_above_zero(wanted=wanted)
    if level == 0:  # such a look never rejects
        return Sensitivity(test.n, comparisons, power, math.inf, math.inf, wanted, None)
    alpha = 1 - test.confidence if level is None else level * comparisons
    spread = test.standard_error / math.sqrt(1 / test.n + design.test_over_train)
    effect = detectable_effect(
        test.n, power=power, comparisons=comparisons, alpha=alpha, design=design
    )
    needed = None
    if wanted is not None and spread:
        needed = plan_rounds(
            wanted / spread, power=power, comparisons=comparisons, alpha=alpha, design=design
        )
    return Sensitivity(test.n, comparisons, power, effect, effect * spread, wanted, needed)
