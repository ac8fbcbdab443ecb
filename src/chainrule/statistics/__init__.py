"""What a study shows, and how sure that is."""

from chainrule.statistics.bayes import Posterior, correlated_t
from chainrule.statistics.comparison import Comparison, Comparisons, Conclusion
from chainrule.statistics.design import Design, FixedSplit, FreshData, Resplits
from chainrule.statistics.effects import Superiority, d_z, superiority, wilson_interval
from chainrule.statistics.equivalence import EquivalenceTest, equivalence
from chainrule.statistics.factorial import Effect, Effects, factorial_effects
from chainrule.statistics.multiple_comparisons import compare, holm
from chainrule.statistics.pairwise import PairedTest, nadeau_bengio, paired_t, paired_test
from chainrule.statistics.planning import (
    Sensitivity,
    detectable_effect,
    plan_rounds,
    sensitivity,
    t_test_power,
)
from chainrule.statistics.ranking import (
    Friedman,
    Ranking,
    RankPair,
    friedman,
    mean_ranks,
    rank_arms,
)
from chainrule.statistics.scores import StatisticsError
from chainrule.statistics.sequential import (
    SequentialDecision,
    SequentialDesign,
    SequentialMethod,
    Verdict,
    e_value,
)
from chainrule.statistics.sign_tests import (
    SignTest,
    min_sign_test_rounds,
    power_warning,
    sign_flip,
    smallest_p,
    wilcoxon,
)

__all__ = [
    "Comparison",
    "Comparisons",
    "Conclusion",
    "Design",
    "Effect",
    "Effects",
    "EquivalenceTest",
    "FixedSplit",
    "FreshData",
    "Friedman",
    "PairedTest",
    "Posterior",
    "RankPair",
    "Ranking",
    "Resplits",
    "Sensitivity",
    "SequentialDecision",
    "SequentialDesign",
    "SequentialMethod",
    "SignTest",
    "StatisticsError",
    "Superiority",
    "Verdict",
    "compare",
    "correlated_t",
    "d_z",
    "detectable_effect",
    "e_value",
    "equivalence",
    "factorial_effects",
    "friedman",
    "holm",
    "mean_ranks",
    "min_sign_test_rounds",
    "nadeau_bengio",
    "paired_t",
    "paired_test",
    "plan_rounds",
    "power_warning",
    "rank_arms",
    "sensitivity",
    "sign_flip",
    "smallest_p",
    "superiority",
    "t_test_power",
    "wilcoxon",
    "wilson_interval",
]
