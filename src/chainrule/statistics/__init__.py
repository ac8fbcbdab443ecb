"""What a study shows, and how sure that is."""

from typing import TYPE_CHECKING

from chainrule._util.lazy_names import import_when_used

if TYPE_CHECKING:
    from chainrule.statistics.arms.comparison import Comparison, Comparisons, Conclusion
    from chainrule.statistics.arms.factorial import (
        Effect,
        Effects,
        factor_contrasts,
        factorial_effects,
    )
    from chainrule.statistics.arms.family import Family, ScorePair, holm
    from chainrule.statistics.arms.multiple_comparisons import compare, list_pairs
    from chainrule.statistics.datasets.hierarchical import (
        HierarchicalPosterior,
        hierarchical_posterior,
    )
    from chainrule.statistics.datasets.over_datasets import (
        DatasetsComparison,
        DatasetsComparisons,
        compare_over_datasets,
    )
    from chainrule.statistics.datasets.ranking import (
        Friedman,
        Ranking,
        RankPair,
        friedman,
        mean_ranks,
        rank_arms,
    )
    from chainrule.statistics.design import (
        Design,
        FinitePool,
        FixedSplit,
        FreshData,
        PartialResplits,
        Resplits,
    )
    from chainrule.statistics.errors import StatisticsError
    from chainrule.statistics.overlap import Overlap, design_from_overlap
    from chainrule.statistics.pairs.bayes import Posterior, correlated_t
    from chainrule.statistics.pairs.effects import (
        Superiority,
        accuracy_interval,
        d_z,
        superiority,
        wilson_interval,
    )
    from chainrule.statistics.pairs.equivalence import EquivalenceTest, equivalence_test
    from chainrule.statistics.pairs.pairwise import (
        PairedTest,
        nadeau_bengio,
        one_sample_test,
        paired_t,
        paired_test,
    )
    from chainrule.statistics.pairs.sign_tests import (
        SignTest,
        min_sign_test_rounds,
        power_warning,
        sign_flip,
        smallest_p,
        wilcoxon,
    )
    from chainrule.statistics.rounds.e_values import e_value
    from chainrule.statistics.rounds.planning import (
        Sensitivity,
        detectable_effect,
        plan_rounds,
        sensitivity,
        t_test_power,
    )
    from chainrule.statistics.rounds.sequential import (
        SequentialDecision,
        SequentialDesign,
        SequentialMethod,
        Verdict,
    )
    from chainrule.statistics.samples.mean_interval import MeanInterval, mean_interval
    from chainrule.statistics.samples.two_way import sample_test, two_way_table, two_way_test
    from chainrule.statistics.samples.variance_parts import VariancePart, variance_parts
    from chainrule.statistics.search.expected_best import ExpectedBest, expected_best
    from chainrule.statistics.search.racing import race_survivors
else:
    __getattr__, __dir__ = import_when_used(
        __name__,
        {
            ".arms.comparison": "Comparison Comparisons Conclusion",
            ".arms.factorial": "Effect Effects factor_contrasts factorial_effects",
            ".arms.family": "Family ScorePair holm",
            ".arms.multiple_comparisons": "compare list_pairs",
            ".datasets.hierarchical": "HierarchicalPosterior hierarchical_posterior",
            ".datasets.over_datasets": (
                "DatasetsComparison DatasetsComparisons compare_over_datasets"
            ),
            ".datasets.ranking": "Friedman Ranking RankPair friedman mean_ranks rank_arms",
            ".design": "Design FinitePool FixedSplit FreshData PartialResplits Resplits",
            ".overlap": "Overlap design_from_overlap",
            ".pairs.bayes": "Posterior correlated_t",
            ".pairs.effects": "Superiority accuracy_interval d_z superiority wilson_interval",
            ".pairs.equivalence": "EquivalenceTest equivalence_test",
            ".pairs.pairwise": "PairedTest nadeau_bengio one_sample_test paired_t paired_test",
            ".pairs.sign_tests": (
                "SignTest min_sign_test_rounds power_warning sign_flip smallest_p wilcoxon"
            ),
            ".rounds.e_values": "e_value",
            ".rounds.planning": (
                "Sensitivity detectable_effect plan_rounds sensitivity t_test_power"
            ),
            ".rounds.sequential": "SequentialDecision SequentialDesign SequentialMethod Verdict",
            ".samples.mean_interval": "MeanInterval mean_interval",
            ".samples.two_way": "sample_test two_way_table two_way_test",
            ".samples.variance_parts": "VariancePart variance_parts",
            ".errors": "StatisticsError",
            ".search.expected_best": "ExpectedBest expected_best",
            ".search.racing": "race_survivors",
        },
    )

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
