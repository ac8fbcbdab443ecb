"""Arms over several data sets: each against another, or all against the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Literal

import numpy as np

from chainrule._util.argument_checks import check_arguments
from chainrule._util.display import ShownAsTable
from chainrule.statistics.arms.family import holm
from chainrule.statistics.arms.multiple_comparisons import list_pairs
from chainrule.statistics.checks import check_shares, check_zero_or_more
from chainrule.statistics.datasets.hierarchical import (
    MIN_DATA_SETS,
    HierarchicalPosterior,
    hierarchical_posterior,
)
from chainrule.statistics.datasets.ranking import Ranking, rank_arms
from chainrule.statistics.design import Design
from chainrule.statistics.errors import StatisticsError
from chainrule.statistics.pairs.sign_tests import SignTest, mid_ranks, power_warning, wilcoxon
from chainrule.statistics.scores import Scores, as_scores, check_table, pair_scores

__all__ = ["DatasetsComparison", "DatasetsComparisons", "compare_over_datasets"]

SHOWN = ("a", "b", "difference", "wins", "ties", "losses", "p_holm", "conclusion")


@dataclass(frozen=True)
class DatasetsComparison:
    """Arm ``a`` against arm ``b``: differences are a − b of their means over the rounds of each
    data set, and larger scores are better.

    ``difference`` is the mean over data sets; ``wilcoxon`` tests them, ``p_holm`` corrected for all
    comparisons of the table. ``posterior`` is None for fewer than three data sets, or two rounds.
    """

    a: str
    b: str
    differences: Sequence[float]
    wilcoxon: SignTest
    p_holm: float
    alpha: float
    posterior: HierarchicalPosterior | None = None

    @property
    def difference(self) -> float:
        """The mean over data sets."""
        return fmean(self.differences)

    @property
    def conclusion(self) -> Literal["better", "worse", "undecided"]:
        """What the corrected test says of a against b; "undecided" is no difference found.

        The side is that of the ranks, as the test is: one data set may turn the mean.
        """
        if self.p_holm > self.alpha:
            return "undecided"
        d = np.array(self.differences)
        ranks = mid_ranks(np.abs(d), np.zeros(len(d)))
        return "better" if float((np.sign(d) * ranks).sum()) > 0 else "worse"

    def as_row(self) -> dict[str, Any]:
        """The row as JSON data; what is not known is null."""
        belief = self.posterior and asdict(self.posterior)
        return {
            "a": self.a,
            "b": self.b,
            "data_sets": len(self.differences),
            "difference": self.difference,
            "wins": sum(d > 0 for d in self.differences),
            "ties": sum(d == 0 for d in self.differences),
            "losses": sum(d < 0 for d in self.differences),
            "p": self.wilcoxon.p,
            "p_holm": self.p_holm,
            "conclusion": self.conclusion,
            "posterior": belief and {**belief, "means": [*belief["means"]]},
        }


@dataclass(frozen=True, repr=False)
class DatasetsComparisons(ShownAsTable, columns=SHOWN):
    """The table of comparisons, and the arms by their ranks: None for fewer than three arms.

    ``note`` is a sentence where there are too few data sets for any two arms to differ.
    """

    comparisons: Sequence[DatasetsComparison]
    baseline: str | None
    ranking: Ranking | None
    note: str | None

    def as_rows(self) -> list[dict[str, Any]]:
        """A row a comparison, as JSON data."""
        return [comparison.as_row() for comparison in self.comparisons]


@check_arguments
def compare_over_datasets(
    scores: Mapping[str, Sequence[Scores]],
    designs: Sequence[Design],
    *,
    baseline: str | None = None,
    rope: float | None = None,
    alpha: float = 0.05,
) -> DatasetsComparisons:
    """Arms over data sets: ranks, exact Wilcoxon tests with Holm's correction, and posteriors

    ``scores`` is arm → data set → one score a round, the same rounds of all arms; larger is better.
    ``designs`` say how the rounds of each data set came about. Each arm is compared with the
    baseline, or all pairs. (Demšar 2006; Benavoli, Corani and Mangili 2016; for the posteriors
    see :func:`hierarchical_posterior`.)

    Raises StatisticsError for an unknown baseline, fewer than two arms or data sets, unequal
    numbers of them, a score that is not finite.
    """
    check_zero_or_more(rope=rope or 0.0)
    check_shares(alpha=alpha)
    check_scores(scores, len(designs))
    means = {arm: [fmean(rounds) for rounds in of] for arm, of in scores.items()}
    pairs = list_pairs([*scores], baseline)
    tests = [wilcoxon(means[a], means[b]) for a, b in pairs]
    corrected = holm([test.p for test in tests])
    found = [
        DatasetsComparison(
            a,
            b,
            round_differences(means[a], means[b]),
            test,
            p_holm,
            alpha,
            find_posterior(scores[a], scores[b], designs, rope or 0.0),
        )
        for (a, b), test, p_holm in zip(pairs, tests, corrected, strict=True)
    ]
    return DatasetsComparisons(
        comparisons=found,
        baseline=baseline,
        ranking=rank_arms(means, alpha=alpha) if len(scores) > 2 else None,
        note=power_warning(len(designs), len(pairs), alpha=alpha, unit="data sets"),
    )


def check_scores(scores: Mapping[str, Sequence[Scores]], data_sets: int) -> None:
    """Raise StatisticsError unless every arm has finite scores on each data set, two or more."""
    check_table(scores)
    if any(len(of) != data_sets for of in scores.values()) or data_sets < 2:
        raise StatisticsError("expected the scores of every arm on at least two data sets")
    for arm, of in scores.items():
        for i, values in enumerate(of):
            as_scores(values, f"arm {arm}, data set {i}", at_least=1)


def round_differences(a: Scores, b: Scores) -> list[float]:
    """a − b; what counts as equal in ranks is 0."""
    d = pair_scores(a, b)
    return [float(x) for x in np.where(np.abs(d.differences) <= d.ties, 0.0, d.differences)]


def find_posterior(
    a: Sequence[Scores], b: Sequence[Scores], designs: Sequence[Design], rope: float
) -> HierarchicalPosterior | None:
    """What is believed of a − b; None where there are too few data sets or rounds, or no spread."""
    if len(designs) < MIN_DATA_SETS or any(len(rounds) < 2 for rounds in a):
        return None
    try:
        return hierarchical_posterior(a, b, designs, rope=rope)
    except StatisticsError:
        return None
