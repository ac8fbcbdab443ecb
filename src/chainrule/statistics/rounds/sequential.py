"""Looking at a study while it runs: levels that allow for it, and what each look decides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np

from chainrule._util.argument_checks import check_arguments
from chainrule._util.plain_data import finite_or_none
from chainrule._util.words import count_noun
from chainrule.statistics import special
from chainrule.statistics.checks import check_above_zero, check_at_least, check_finite, check_shares
from chainrule.statistics.errors import StatisticsError
from chainrule.statistics.pairs.pairwise import PairedTest, paired_t
from chainrule.statistics.rounds.e_values import anytime_level, anytime_p
from chainrule.statistics.rounds.group_levels import (
    critical_value,
    exceedance,
    simulate_block,
    simulated_extremes,
)
from chainrule.statistics.scores import Array, Scores, as_scores, pair_scores

__all__ = [
    "FUTILE",
    "SequentialDecision",
    "SequentialDesign",
    "SequentialMethod",
    "Verdict",
    "chance_to_decide",
]

SequentialMethod = Literal["pocock", "obrien-fleming", "anytime", "bonferroni"]
Verdict = Literal["better", "worse", "equivalent", "futile", "continue", "undecided"]

LARGEST_EFFECT = 1e3
FUTILE = 0.1
"""A smaller chance to decide at the last look is hardly one."""


@dataclass(frozen=True)
class SequentialDecision:
    """What the look at ``n`` rounds decides.

    ``p`` is that of the paired t test and ``level`` what it must not exceed at this look, below
    alpha because there are others. ``low`` and ``high`` are the ends of the interval at
    1 − ``level``, which holds at all looks at once, in the metric's unit. ``chance`` is the
    conditional power: how probable it is that the last look finds a difference if the one seen so
    far is true, or with a rope that it shows that there is none beyond that. ``verdict`` is

    - "better" or "worse": p ≤ level, so the arms differ;
    - "equivalent": the interval is within ± rope;
    - "futile": neither, and ``chance`` is below 0.1;
    - "continue": neither, and there are looks to come; at the last one "undecided".
    """

    verdict: Verdict
    n: int
    look: int
    looks: int
    difference: float
    low: float
    high: float
    p: float
    level: float
    chance: float

    def as_row(self) -> dict[str, Any]:
        """The row as JSON data."""
        ends = {"low": finite_or_none(self.low), "high": finite_or_none(self.high)}
        return {**asdict(self), **ends}


@check_arguments
@dataclass(frozen=True)
class SequentialDesign:
    """The numbers of rounds at which a study is looked at, and the method that allows for it.

    - "pocock": the same level at every look; stops early. (Pocock 1977.)
    - "obrien-fleming": the level 2 Φ(−c √(n_last/n)): strict at first, near alpha at the last
      look, so that little power is lost. (O'Brien and Fleming 1979.)
    - "anytime": what :func:`e_value` of 1/alpha or more asks of t. It allows for any number of
      looks, of which ``looks`` are the ones made, and costs more rounds. (Wang and Ramdas 2025.)
    - "bonferroni": alpha over the number of looks; of these the one for rounds that share samples.

    The first two are calibrated for Student's t, by simulated studies of a fixed seed: equal arms
    are called different at any look with probability alpha, whatever the variance. All but the last
    need independent rounds. With ``comparisons`` each has alpha / comparisons (Bonferroni).

    Raises StatisticsError for looks that are not ascending numbers from 2, an unknown method, no
    comparison, an alpha outside (0, 1).
    """

    looks: Sequence[int]
    method: SequentialMethod = "pocock"
    alpha: float = 0.05
    comparisons: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "looks", tuple(self.looks))
        if not self.looks or self.looks[0] < 2 or any(np.diff(self.looks) < 1):
            raise StatisticsError(
                f"looks: expected whole numbers in ascending order from 2, got {self.looks}"
            )
        if self.method not in get_args(SequentialMethod):
            known = ", ".join(get_args(SequentialMethod))
            raise StatisticsError(f"method: expected one of {known}, got {self.method!r}")
        check_at_least(1, comparisons=self.comparisons)
        check_shares(alpha=self.alpha)

    @cached_property
    def levels(self) -> tuple[float, ...]:
        """What p must not exceed at each look."""
        alpha = self.alpha / self.comparisons
        if self.method == "bonferroni":
            return (alpha / len(self.looks),) * len(self.looks)
        if self.method == "anytime":
            return tuple(anytime_level(n, alpha) for n in self.looks)
        c = critical_value(self._shares, alpha, self._extremes)
        return tuple(2 * float(x) for x in special.ndtr(-c / self._shares))

    @check_arguments
    def level_at(self, n: int) -> float:
        """What p must not exceed at the look at n rounds. Raises StatisticsError where none is."""
        if n not in self.looks:
            raise StatisticsError(f"no look is at {count_noun(n, 'round')}; looks: {self.looks}")
        return self.levels[list(self.looks).index(n)]

    @check_arguments
    def looks_made(self, rounds: int) -> list[int]:
        """The looks after so many rounds. Raises StatisticsError before the first."""
        if rounds < self.looks[0]:
            first = count_noun(self.looks[0], "round")
            raise StatisticsError(f"the first look is at {first}, got {rounds}")
        return [n for n in self.looks if n <= rounds]

    @property
    def _shares(self) -> Array:
        """By what the z of each look is multiplied, so that one critical value is for all."""
        n = np.array(self.looks, dtype=np.float64)
        return np.sqrt(n / n[-1]) if self.method == "obrien-fleming" else np.ones(len(n))

    @property
    def _extremes(self) -> Array:
        return simulated_extremes(tuple(self.looks), tuple(self._shares))

    @check_arguments
    def adjust(self, p: Scores) -> list[float]:
        """p̃ after each look that was made: the smallest alpha at which one of them rejects

        ``p`` is that of the test at each of the first looks. p̃ never grows from look to look. For
        equal arms it is alpha or less at any look with probability alpha at most, so it may be
        corrected for several comparisons as any p. (Tsiatis, Rosner and Mehta 1984; Maurer and
        Bretz 2013.)

        Raises StatisticsError for more p than looks, and as :func:`holm`.
        """
        values = as_scores(p, "p", at_least=1)
        if len(values) > len(self.looks) or values.min() < 0 or values.max() > 1:
            raise StatisticsError(
                f"expected a p in [0, 1] for each of up to {count_noun(len(self.looks), 'look')}, "
                f"got {values.tolist()}"
            )
        if self.method == "bonferroni":
            found = np.minimum(1, values * len(self.looks))
        elif self.method == "anytime":
            found = np.array([anytime_p(n, x) for n, x in zip(self.looks, values, strict=False)])
        else:
            z = -special.ndtri(values / 2) * self._shares[: len(values)]
            found = np.array([exceedance(self._shares, c, self._extremes) for c in z])
        return [float(x) for x in np.minimum.accumulate(found)]

    @check_arguments
    def power(self, effect: float) -> tuple[float, float]:
        """(The probability that a look finds an effect of d_z, the mean rounds until it stops)

        Independent rounds with normal differences, in simulated studies of a fixed seed; it stops
        where it finds a difference, and at the last look. Raises StatisticsError for an effect that
        is not finite.
        """
        check_finite(effect=effect)
        random = np.random.default_rng(0)
        p = np.stack(list(simulate_block(random, tuple(self.looks), effect)), axis=1)
        found = p <= np.array(self.levels)
        last = np.where(found.any(axis=1), found.argmax(axis=1), len(self.looks) - 1)
        return float(found.any(axis=1).mean()), float(np.array(self.looks)[last].mean())

    @check_arguments
    def find_detectable_effect(self, power: float = 0.8) -> float:
        """The smallest effect, in d_z, that the looks find with this power, as :meth:`power`.

        Raises StatisticsError for a power outside (0, 1).
        """
        check_shares(power=power)
        most = 1.0
        while self.power(most)[0] < power and most < LARGEST_EFFECT:
            most *= 2
        least = 0.0
        while most - least > 0.002 * most:
            middle = (least + most) / 2
            least, most = (least, middle) if self.power(middle)[0] >= power else (middle, most)
        return most

    @check_arguments
    def describe(self, n: int) -> str:
        """When a study of n rounds was looked at, and what that asks of p."""
        made, of = self.looks_made(n), ", ".join(map(str, self.looks))
        planned = "" if len(made) == len(self.looks) else f", of looks planned after {of}"
        m = len(self.looks)
        count = f"{COUNTS[m] if m < len(COUNTS) else m} look{'' if m == 1 else 's'}"
        level = self.level_at(made[-1])
        shared = "" if self.comparisons == 1 else f", as one of {self.comparisons} tests"
        asked = f"p must be at most {level:.2g}{shared}" if level else "no p is small enough"
        rounds = f"{', '.join(map(str, made))} rounds"
        return (
            f"Looked at after {rounds}{planned}; the level was adjusted for "
            f"{count} ({NAMES[self.method]}): after {made[-1]} rounds {asked}."
        )

    @check_arguments
    def decide(self, a: Scores, b: Scores, *, rope: float | None = None) -> SequentialDecision:
        """The first look that decides, else the last one that has been reached

        ``a`` and ``b`` are the scores so far, one a round, in the order in which they came.
        Rounds after the look are not used. Without a ``rope`` no look finds equivalence.

        Raises StatisticsError for fewer rounds than the first look, a rope that is not positive,
        and as :func:`paired_t`.
        """
        if rope is not None:
            check_above_zero(rope=rope)
        looks = self.looks_made(pair_scores(a, b).n)
        made = [self._look(i, a, b, rope) for i in range(len(looks))]
        final = ("better", "worse", "equivalent")
        return next((look for look in made if look.verdict in final), made[-1])

    def _look(self, i: int, a: Scores, b: Scores, rope: float | None) -> SequentialDecision:
        n, level = self.looks[i], self.levels[i]
        test = paired_t(a[:n], b[:n], confidence=min(1 - level, 1 - 1e-15))
        chance = chance_to_decide(test, self.looks[-1], self.levels[-1], rope)
        verdict: Verdict
        if test.p <= level:
            verdict = "better" if test.difference > 0 else "worse"
        elif rope is not None and -rope < test.low and test.high < rope:
            verdict = "equivalent"
        elif n == self.looks[-1]:
            verdict = "undecided"
        else:
            verdict = "futile" if chance < FUTILE else "continue"
        return SequentialDecision(
            verdict=verdict,
            n=n,
            look=i + 1,
            looks=len(self.looks),
            difference=test.difference,
            low=test.low,
            high=test.high,
            p=test.p,
            level=level,
            chance=chance,
        )


def chance_to_decide(test: PairedTest, last: int, level: float, rope: float | None) -> float:
    """How probable it is that the look at ``last`` rounds decides, if the mean seen so far is true

    The conditional power for a difference, plus with a rope that for there being none beyond it.
    """
    share = test.n / last
    chance = conditional_power(test, share, level)
    return chance if rope is None else chance + conditional_equivalence(test, share, level, rope)


def conditional_power(test: PairedTest, share: float, level: float) -> float:
    """Φ((|z| / √τ − z_level) / √(1 − τ)) after the share τ of the rounds, z from the test's p

    The probability that the last look rejects at its level if the difference seen so far is the
    true one; 0 or 1 at the last look. (Lan and Wittes 1988.)
    """
    z = -float(special.ndtri(test.p / 2))
    excess = z / math.sqrt(share) + float(special.ndtri(level / 2))
    if share == 1:
        return float(excess >= 0)
    return float(special.ndtr(excess / math.sqrt(1 - share)))


def conditional_equivalence(test: PairedTest, share: float, level: float, rope: float) -> float:
    """P(|D| < rope − w) for D normal about d̄ with the variance e² τ (1 − τ)

    The probability that at the last look the interval, d̄ ± w at 1 − ``level``, is within ± rope,
    if the mean and the spread seen so far are the true ones; e is the standard error now.
    """
    error = test.standard_error * math.sqrt(share)
    last = round(test.n / share)
    within = rope + float(special.stdtrit(last - 1, level / 2)) * error
    if within <= 0:
        return 0.0
    spread = error * math.sqrt(1 - share)
    if not spread:
        return float(abs(test.difference) < within)
    ends = np.array([within - test.difference, -within - test.difference]) / spread
    return float(np.subtract(*special.ndtr(ends)))


NAMES = {
    "pocock": "Pocock's, the same at each",
    "obrien-fleming": "O'Brien and Fleming's, strict at first",
    "anytime": "it holds for any number of looks",
    "bonferroni": "Bonferroni's, the same at each",
}
COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
