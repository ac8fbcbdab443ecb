"""One arm against another, and the table of such comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.statistics.bayes import Posterior
from chainrule.statistics.design import Design
from chainrule.statistics.effects import Superiority
from chainrule.statistics.pairwise import PairedTest
from chainrule.statistics.scores import finite_or_none
from chainrule.statistics.sign_tests import SignTest

__all__ = ["Comparison", "Comparisons"]


@dataclass(frozen=True)
class Comparison:
    """Arm ``a`` against arm ``b``: differences are a − b, and larger scores are better.

    The ``…_holm`` are the p of that test, corrected for all comparisons of the table.
    ``posterior`` is None where no rope is declared. ``superiority``, ``wilcoxon`` and
    ``sign_flip`` need independent rounds and are None where rounds share data.
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

    def as_row(self) -> dict[str, Any]:
        """The row as JSON data; what is not known, or infinite, is null."""
        belief, wins = self.posterior, self.superiority
        return {
            "a": self.a,
            "b": self.b,
            **self.test.as_row(),
            "p_holm": self.p_holm,
            "d_z": finite_or_none(self.d_z),
            "p_superior": wins and wins.probability,
            "p_superior_low": wins and wins.low,
            "p_superior_high": wins and wins.high,
            "rope": belief and belief.rope,
            "p_worse": belief and belief.worse,
            "p_equivalent": belief and belief.equivalent,
            "p_better": belief and belief.better,
            "wilcoxon_p": self.wilcoxon and self.wilcoxon.p,
            "wilcoxon_p_holm": self.wilcoxon_p_holm,
            "sign_flip_p": self.sign_flip and self.sign_flip.p,
            "sign_flip_p_holm": self.sign_flip_p_holm,
            "sign_flip_draws": self.sign_flip and self.sign_flip.draws,
        }


@dataclass(frozen=True)
class Comparisons:
    """The table of comparisons and, in ``notes``, what must be said beside it."""

    comparisons: Sequence[Comparison]
    design: Design
    baseline: str | None
    notes: Sequence[str]

    def as_rows(self) -> list[dict[str, Any]]:
        """A row a comparison, as JSON data."""
        return [comparison.as_row() for comparison in self.comparisons]
