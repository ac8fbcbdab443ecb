"""One arm against another, and the table of such comparisons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chainrule._util.display import ShownAsTable
from chainrule._util.plain_data import finite_or_none
from chainrule.statistics.arms.family import CorrectedTable
from chainrule.statistics.pairs.bayes import Posterior
from chainrule.statistics.pairs.effects import Superiority
from chainrule.statistics.pairs.equivalence import EquivalenceTest
from chainrule.statistics.pairs.pairwise import PairedTest
from chainrule.statistics.pairs.sign_tests import SignTest
from chainrule.statistics.rounds.sequential import FUTILE

__all__ = ["Comparison", "Comparisons", "Conclusion"]

SHOWN = ("a", "b", "difference", "simultaneous_low", "simultaneous_high", "p_holm", "conclusion")
"""The columns of a printed table."""

Conclusion = Literal["better", "worse", "equivalent", "different within the rope", "undecided"]


@dataclass(frozen=True)
class Comparison:
    """Arm ``a`` against arm ``b``: differences are a − b, and larger scores are better.

    The ``…_holm`` are the p of that test, corrected for all comparisons of the table.
    ``posterior`` and ``equivalence`` are None where no rope is declared (or one of 0).
    ``superiority``, ``wilcoxon`` and ``sign_flip`` need independent rounds and are None where
    rounds share data. ``simultaneous_low`` and ``simultaneous_high`` are the ends of the interval
    that agrees with ``p_holm``, as :func:`simultaneous_interval` makes it; the interval of
    ``test`` is at its level by itself.

    Of a study that is looked at while it runs, ``test`` is that of the last look, ``p_looks`` its p
    adjusted for the looks, which is what Holm corrects, ``decided_at`` the rounds of the first look
    at which ``conclusion`` was one, and ``chance`` how probable it is that the last look decides,
    if the difference seen so far is true.
    """

    a: str
    b: str
    test: PairedTest
    p_holm: float
    d_z: float
    posterior: Posterior | None = None
    superiority: Superiority | None = None
    wilcoxon: SignTest | None = None
    wilcoxon_p_holm: float | None = None
    sign_flip: SignTest | None = None
    sign_flip_p_holm: float | None = None
    equivalence: EquivalenceTest | None = None
    equivalence_p_holm: float | None = None
    simultaneous_low: float = -math.inf
    simultaneous_high: float = math.inf
    p_looks: float | None = None
    decided_at: int | None = None
    chance: float | None = None

    @property
    def is_futile(self) -> bool:
        """Whether there is no conclusion, and hardly a chance of one at the last look."""
        return self.conclusion == "undecided" and self.chance is not None and self.chance < FUTILE

    @property
    def conclusion(self) -> Conclusion:
        """What the corrected tests say of a against b, at 1 − the test's confidence.

        "undecided" is no difference found; "equivalent" is no difference, up to the rope.
        """
        alpha = 1 - self.test.confidence
        differs = self.p_holm <= alpha
        if self.equivalence_p_holm is not None and self.equivalence_p_holm <= alpha:
            return "different within the rope" if differs else "equivalent"
        if differs:
            return "better" if self.test.difference > 0 else "worse"
        return "undecided"

    def as_row(self) -> dict[str, Any]:
        """The row as JSON data; what is not known, or infinite, is null."""
        belief, wins = self.posterior, self.superiority
        return {
            "a": self.a,
            "b": self.b,
            **self.test.as_row(),
            "p_holm": self.p_holm,
            "simultaneous_low": finite_or_none(self.simultaneous_low),
            "simultaneous_high": finite_or_none(self.simultaneous_high),
            "p_looks": self.p_looks,
            "decided_at": self.decided_at,
            "chance": self.chance,
            "conclusion": self.conclusion,
            "d_z": finite_or_none(self.d_z),
            "p_superior": wins and wins.probability,
            "p_superior_low": wins and wins.low,
            "p_superior_high": wins and wins.high,
            "rope": belief and belief.rope,
            "p_worse": belief and belief.worse,
            "p_equivalent": belief and belief.equivalent,
            "p_better": belief and belief.better,
            "equivalence_p": self.equivalence and self.equivalence.p,
            "equivalence_p_holm": self.equivalence_p_holm,
            "wilcoxon_p": self.wilcoxon and self.wilcoxon.p,
            "wilcoxon_p_holm": self.wilcoxon_p_holm,
            "sign_flip_p": self.sign_flip and self.sign_flip.p,
            "sign_flip_p_holm": self.sign_flip_p_holm,
            "sign_flip_draws": self.sign_flip and self.sign_flip.draws,
        }


@dataclass(frozen=True, repr=False)
class Comparisons(ShownAsTable, CorrectedTable, columns=SHOWN):
    """The table of comparisons."""

    comparisons: Sequence[Comparison]
    baseline: str | None

    @property
    def is_last_look(self) -> bool:
        """Whether no look is to come."""
        return self.looks is None or self.comparisons[0].test.n >= self.looks.looks[-1]

    def is_settled(self, *, futility: bool = True) -> bool:
        """Whether more rounds would change nothing: each comparison has its conclusion, or, with
        ``futility``, hardly a chance of one; or no look is to come.
        """
        return self.is_last_look or all(
            c.conclusion != "undecided" or (futility and c.is_futile) for c in self.comparisons
        )

    def as_rows(self) -> list[dict[str, Any]]:
        """A row a comparison, as JSON data."""
        return [comparison.as_row() for comparison in self.comparisons]
