"""Which of many candidates are still in the race, judged on the same few samples."""

from __future__ import annotations

import math
from collections.abc import Mapping

from chainrule._util.argument_checks import check_arguments
from chainrule.statistics import special
from chainrule.statistics.checks import check_shares
from chainrule.statistics.datasets.ranking import friedman, mean_ranks
from chainrule.statistics.errors import StatisticsError
from chainrule.statistics.pairs.pairwise import paired_t
from chainrule.statistics.scores import Scores, check_table

__all__ = ["race_survivors"]


@check_arguments
def race_survivors(scores: Mapping[str, Scores], best: str, *, alpha: float = 0.05) -> list[str]:
    """The candidates that are not significantly worse than the best: the others leave the race

    ``scores`` is candidate → one score a split, the same splits for all; larger is better. Where
    Friedman's test (Iman and Davenport's F) finds a difference at alpha, a candidate leaves whose
    mean rank is behind that of ``best`` by more than

        t √(2 s² / N)        s² = Σⱼ N (R̄ⱼ − (k+1)/2)² / ((k − 1) F)

    with t the 1 − alpha/2 quantile at (k − 1)(N − 1) degrees of freedom, k candidates and N splits.
    Two candidates are compared by the paired t test. It is no test of one hypothesis, as it is made
    after each split, but a rule that saves trainings. (Birattari, Stützle, Paquete and Varrentrapp,
    A racing algorithm for configuring metaheuristics, 2002; Conover 1999.)

    Raises StatisticsError for a best that is no candidate, an alpha outside (0, 1), and as
    :func:`friedman`.
    """
    check_table(scores)
    check_shares(alpha=alpha)
    if best not in scores:
        raise StatisticsError(f"best: expected one of {', '.join(scores)}, got {best!r}")
    if len(scores) < 2:
        return list(scores)
    if len(scores) == 2:
        [other] = [name for name in scores if name != best]
        test = paired_t(scores[best], scores[other])
        return [best] if test.difference > 0 and test.p <= alpha else list(scores)
    overall, ranks = friedman(scores), mean_ranks(scores)
    if overall.p > alpha:
        return list(scores)
    middle = (overall.arms + 1) / 2
    between = overall.data_sets * sum((rank - middle) ** 2 for rank in ranks.values())
    variance = 0.0 if math.isinf(overall.f) else between / (overall.df * overall.f)
    critical = -float(special.stdtrit(overall.df_error, alpha / 2))
    behind = critical * math.sqrt(2 * variance / overall.data_sets)
    return [name for name, rank in ranks.items() if rank - ranks[best] <= behind + 1e-9]
