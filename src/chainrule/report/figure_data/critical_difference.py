"""Arms by mean rank over several data sets, and which of them cannot be told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from chainrule.report.figure_data.base import FigureData

if TYPE_CHECKING:
    from chainrule.statistics import Ranking

__all__ = ["CriticalDifferencesData", "critical_differences_data"]


@final
@dataclass(frozen=True)
class CriticalDifferencesData(FigureData):
    """The arms from the best, their mean ranks, and bars over those that cannot be told apart.

    ``p`` is Friedman's test of all over ``n`` data sets; ``note`` must be said beside it.
    """

    arms: Sequence[str]
    mean_ranks: Sequence[float]
    bars: Sequence[tuple[float, float]]
    n: int
    p: float
    note: str | None


def critical_differences_data(ranking: Ranking) -> CriticalDifferencesData:
    """The numbers of :func:`chainrule.report.critical_differences`."""
    rank_by_arm = dict(zip(ranking.arms, ranking.mean_ranks, strict=True))
    return CriticalDifferencesData(
        arms=ranking.arms,
        mean_ranks=ranking.mean_ranks,
        bars=[(rank_by_arm[clique[0]], rank_by_arm[clique[-1]]) for clique in ranking.cliques],
        n=ranking.n,
        p=ranking.friedman.p,
        note=ranking.note,
    )
