"""What a study shows, and how sure that is."""

from chainrule.study.statistics.bayes import Posterior, correlated_t
from chainrule.study.statistics.comparison import Comparison, Comparisons
from chainrule.study.statistics.datasets import (
    Friedman,
    Ranking,
    RankPair,
    friedman,
    mean_ranks,
    rank,
)
from chainrule.study.statistics.design import Design, FixedSplit, FreshData, Resplits
from chainrule.study.statistics.effects import Superiority, d_z, superiority
from chainrule.study.statistics.factorial import Effect, Effects, factorial
from chainrule.study.statistics.pairwise import PairedTest, nadeau_bengio, paired_t, paired_test
from chainrule.study.statistics.robust import (
    SignTest,
    rounds_needed,
    sign_flip,
    smallest_p,
    too_few,
    wilcoxon,
)
from chainrule.study.statistics.scores import StatisticsError
from chainrule.study.statistics.several import compare, holm

__all__ = [
    "Comparison",
    "Comparisons",
    "Design",
    "Effect",
    "Effects",
    "FixedSplit",
    "FreshData",
    "Friedman",
    "PairedTest",
    "Posterior",
    "RankPair",
    "Ranking",
    "Resplits",
    "SignTest",
    "StatisticsError",
    "Superiority",
    "compare",
    "correlated_t",
    "d_z",
    "factorial",
    "friedman",
    "holm",
    "mean_ranks",
    "nadeau_bengio",
    "paired_t",
    "paired_test",
    "rank",
    "rounds_needed",
    "sign_flip",
    "smallest_p",
    "superiority",
    "too_few",
    "wilcoxon",
]
