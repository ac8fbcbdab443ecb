"""What a study shows, and how sure that is."""

from chainrule.statistics.bayes import Posterior, correlated_t
from chainrule.statistics.comparison import Comparison, Comparisons, Conclusion
from chainrule.statistics.design import (
    Design,
    FinitePool,
    FixedSplit,
    FreshData,
    PartialResplits,
    Resplits,
)
from chainrule.statistics.effects import (
    Superiority,
    accuracy_interval,
    d_z,
    superiority,
    wilson_interval,
)
from chainrule.statistics.equivalence import EquivalenceTest, equivalence_test
from chainrule.statistics.expected_best import ExpectedBest, expected_best
from chainrule.statistics.factorial import (
    Effect,
    Effects,
    factor_contrasts,
    factorial_effects,
)
from chainrule.statistics.family import Family, ScorePair, holm
from chainrule.statistics.hierarchical import HierarchicalPosterior, hierarchical_posterior
from chainrule.statistics.mean_interval import MeanInterval, mean_interval
from chainrule.statistics.multiple_comparisons import compare, list_pairs
from chainrule.statistics.over_datasets import (
    DatasetsComparison,
    DatasetsComparisons,
    compare_over_datasets,
)
from chainrule.statistics.overlap import Overlap, design_from_overlap
from chainrule.statistics.pairwise import (
    PairedTest,
    nadeau_bengio,
    one_sample_test,
    paired_t,
    paired_test,
)
from chainrule.statistics.planning import (
    Sensitivity,
    detectable_effect,
    plan_rounds,
    sensitivity,
    t_test_power,
)
from chainrule.statistics.racing import race_survivors
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
from chainrule.statistics.two_way import sample_test, two_way_table, two_way_test
from chainrule.statistics.variance_parts import VariancePart, variance_parts

__all__ = [
    "Comparison",
    "Comparisons",
    "Conclusion",
    "DatasetsComparison",
    "DatasetsComparisons",
    "Design",
    "Effect",
    "Effects",
    "EquivalenceTest",
    "ExpectedBest",
    "Family",
    "FinitePool",
    "FixedSplit",
    "FreshData",
    "Friedman",
    "HierarchicalPosterior",
    "MeanInterval",
    "Overlap",
    "PairedTest",
    "PartialResplits",
    "Posterior",
    "RankPair",
    "Ranking",
    "Resplits",
    "ScorePair",
    "Sensitivity",
    "SequentialDecision",
    "SequentialDesign",
    "SequentialMethod",
    "SignTest",
    "StatisticsError",
    "Superiority",
    "VariancePart",
    "Verdict",
    "accuracy_interval",
    "compare",
    "compare_over_datasets",
    "correlated_t",
    "d_z",
    "design_from_overlap",
    "detectable_effect",
    "e_value",
    "equivalence_test",
    "expected_best",
    "factor_contrasts",
    "factorial_effects",
    "friedman",
    "hierarchical_posterior",
    "holm",
    "list_pairs",
    "mean_interval",
    "mean_ranks",
    "min_sign_test_rounds",
    "nadeau_bengio",
    "one_sample_test",
    "paired_t",
    "paired_test",
    "plan_rounds",
    "power_warning",
    "race_survivors",
    "rank_arms",
    "sample_test",
    "sensitivity",
    "sign_flip",
    "smallest_p",
    "superiority",
    "t_test_power",
    "two_way_table",
    "two_way_test",
    "variance_parts",
    "wilcoxon",
    "wilson_interval",
]
