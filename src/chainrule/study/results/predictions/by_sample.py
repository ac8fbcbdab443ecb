"""What the kept predictions of a study say: how sure an arm's mean is, and where nets are wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from chainrule import statistics
from chainrule._util.argument_checks import check_arguments
from chainrule._util.words import count_noun
from chainrule.recipes.errors import StudyError
from chainrule.statistics import FinitePool, FixedSplit, StatisticsError
from chainrule.statistics.scores import Array
from chainrule.study.results.predictions.decisions import Decisions, read_decisions
from chainrule.study.results.round_scores import count_tests
from chainrule.study.store.predictions import Predictions

if TYPE_CHECKING:
    from chainrule.statistics import (
        Design,
        MeanInterval,
        PairedTest,
        SequentialDesign,
        VariancePart,
    )
    from chainrule.study.results.arm_result import ArmResult
    from chainrule.study.spec.study import Study
    from chainrule.study.store.record import TrainingRecord

__all__ = ["SampleComparison", "SampleResult", "SampleScores"]

MIN_ROUNDS = 3
"""With fewer nothing is said of new rounds."""


@final
@dataclass(frozen=True, eq=False)
class SampleScores:
    """An arm's scores of each test sample in each round: (M,), (M,), and (M,) or (M, images)."""

    scores: Array
    rounds: NDArray[np.int64]
    samples: NDArray[np.int64]


@final
@dataclass(frozen=True)
class SampleComparison:
    """Arm ``a`` against ``b`` by their scores of each sample; above 0 is better for a.

    ``p_holm`` is corrected for all tests of the study, ``tests``, and for its ``looks``.
    """

    a: str
    b: str
    test: PairedTest
    p_holm: float
    tests: int
    looks: int

    def as_row(self) -> dict[str, Any]:
        """The row as JSON data."""
        corrected = {"p_holm": self.p_holm, "tests": self.tests, "looks": self.looks}
        return {"a": self.a, "b": self.b, **self.test.as_row(), **corrected}


@final
class SampleResult:
    """A study by its samples: what ``keep = "predictions"`` allows to say.

    All of the metric that is compared, over the rounds of which predictions are kept. Every method
    raises StudyError for an arm without predictions or with diverged rounds, and where the metric
    is no mean of what it counts of each sample: a loss, a root.
    """

    def __init__(
        self,
        study: Study,
        arms: Sequence[ArmResult],
        load: Callable[[str, int], Predictions],
        find_design: Callable[[], Design],
        find_looks: Callable[[int], SequentialDesign | None],
    ) -> None:
        self.study, self._load, self._find_design = study, load, find_design
        self._find_looks = find_looks
        self._arms = {arm.arm: arm for arm in arms}
        self._scores: dict[str, SampleScores] = {}

    @cached_property
    def arms(self) -> list[str]:
        """The arms of which predictions are kept, in the declared order."""
        return [name for name, arm in self._arms.items() if arm.select_predicted().rows]

    def predictions(self, arm: str) -> dict[int, Predictions]:
        """Round → those of an arm; the error says how they are kept where there are none."""
        if arm not in self.arms:
            self._load(arm, 0)
        return {row.round: self._load(arm, row.round) for row in self._rows(arm)}

    def _rows(self, arm: str) -> Sequence[TrainingRecord]:
        """The rows that have predictions."""
        return self._arms[arm].select_predicted().rows

    @property
    def rounds_share_tests(self) -> bool:
        """Whether the usual comparison is about these test samples, and :meth:`compare` about new
        ones: rounds draw their test samples from a pool, or have all the same.
        """
        design = self._find_design()
        is_pool = isinstance(design, FinitePool) and design.shared_test > 0
        return isinstance(design, FixedSplit) or is_pool

    def scores(self, arm: str) -> SampleScores:
        """The metric of each sample in each round."""
        if arm not in self._scores:
            found = self.predictions(arm)
            self._check_metric(arm, found)
            metric = self.study.metric_name
            self._scores[arm] = SampleScores(
                np.concatenate([one.scores[metric] for one in found.values()]),
                np.concatenate([np.full(len(one), r) for r, one in found.items()]),
                np.concatenate([one.samples for one in found.values()]),
            )
        return self._scores[arm]

    def _check_metric(self, arm: str, found: Mapping[int, Predictions]) -> None:
        """Raise StudyError unless the metric is the mean of its value of each sample.

        And where rounds diverged: the mean of the others would favour the arm.
        """
        metric = self.study.metric_name
        diverged = [row.round for row in self._arms[arm].rows if row.status == "diverged"]
        if diverged:
            raise StudyError(
                f"arm {arm}: round {', '.join(map(str, diverged))} diverged and has no "
                "predictions; those of the other rounds would flatter it"
            )
        values = {row.round: row.metrics[metric] for row in self._arms[arm].rows}
        for r, one in found.items():
            scores = one.scores.get(metric)
            if scores is not None and (left_out := int(np.isnan(scores).sum())):
                raise StudyError(
                    f"arm {arm}: {count_noun(left_out, 'sample')} of round {r} do not count in "
                    f"{metric}: its samples are not compared one by one"
                )
            if scores is None or not np.isclose(scores.mean(), values[r], rtol=1e-6, atol=1e-9):
                raise StudyError(
                    f"study {self.study.name}: its metric {metric} is no mean over samples, "
                    "so that its predictions tell nothing of how sure it is"
                )

    def interval(self, arm: str, *, confidence: float = 0.95) -> MeanInterval:
        """That of an arm's mean, for new samples and new rounds: :func:`mean_interval`."""
        of = self.scores(arm)
        return statistics.mean_interval(of.scores, of.rounds, of.samples, confidence=confidence)

    def variance_parts(self, arm: str) -> list[VariancePart]:
        """Where the variance of an arm's mean comes from: :func:`variance_parts`.

        ``samples``; ``seeds`` where rounds differ in nothing else, else ``rounds``, which is
        training data and seeds; ``search`` where rounds chose for themselves, some of them alike.
        Raises StatisticsError where there is nothing to tell apart.
        """
        of, factors = self.scores(arm), {}
        factors["samples"] = of.samples
        if len(np.unique(of.rounds)) > 1:
            is_fixed = self.study.data.rounds == "fixed"
            factors["seeds" if is_fixed else "rounds"] = of.rounds
        if (chosen := self._chosen_settings(arm)) is not None:
            factors["search"] = np.array([chosen[r] for r in of.rounds.tolist()])
        return statistics.variance_parts(of.scores, factors)

    def _chosen_settings(self, arm: str) -> dict[int, int] | None:
        """Round → the number of its setting; None where they are all the same, or all different."""
        rows = self._arms[arm].rows
        names = {row.round: repr(sorted(row.setting.items())) for row in rows}
        numbers = {name: i for i, name in enumerate(dict.fromkeys(names.values()))}
        if not 1 < len(numbers) < len(rows) or not self.study.search.each_round:
            return None
        return {r: numbers[name] for r, name in names.items()}

    def decisions(self, arm: str) -> Decisions:
        """What an arm's nets decided: confusion, calibration, wrong samples.

        Raises StudyError where they decide for no class.
        """
        return read_decisions(self.study, arm, self.predictions(arm))

    @check_arguments
    def compare(
        self, *, baseline: str | None = None, all_pairs: bool = False
    ) -> list[SampleComparison]:
        """Every arm against the baseline (the declared one unless said), or all pairs.

        For new samples and, from three rounds on, for new rounds: :func:`two_way_test`. Of fewer
        rounds for new samples alone, with the nets that were trained: :func:`sample_test`. Raises
        StatisticsError where there are no two arms.

        Over the rounds that all arms have. Holm's correction counts effects of factors too. A study
        that was looked at is compared at its last look, with p times the number of looks: of rounds
        that share samples only Bonferroni's levels are known.
        """
        wanted = None if all_pairs else self.study.baseline if baseline is None else baseline
        pairs = statistics.list_pairs(self.arms, wanted)
        done = [{row.round for row in self._rows(arm)} for arm in self.arms]
        rounds, factor, names = set.intersection(*done), 1, self.arms
        if looks := self._find_looks(len(rounds)):
            rounds &= {*range(looks.looks_made(len(rounds))[-1])}
            factor, names = len(looks.looks), [arm.name for arm in self.study.all_arms]
        tests = [self._test_pair(a, b, rounds) for a, b in pairs]
        declared = statistics.list_pairs(
            names, self.study.baseline if self.study.baseline in names else None
        )
        others = count_tests(self.study, names) - len(declared)
        corrected = statistics.holm(
            [*(min(1.0, factor * test.p) for test in tests), *[1.0] * others]
        )
        return [
            SampleComparison(a, b, test, p, len(corrected), factor)
            for (a, b), test, p in zip(pairs, tests, corrected, strict=False)
        ]

    def _test_pair(self, a: str, b: str, rounds: set[int]) -> PairedTest:
        """The test of these rounds."""
        x, y = self.scores(a), self.scores(b)
        (first, at), (second, other_at) = (
            (of.scores[kept], (of.rounds[kept], of.samples[kept]))
            for of in (x, y)
            for kept in [np.isin(of.rounds, [*rounds])]
        )
        if not all(np.array_equal(i, j) for i, j in zip(at, other_at, strict=True)):
            raise StudyError(f"arms {a} and {b}: expected the same test samples in each round")
        sign = 1.0 if self.study.direction == "max" else -1.0
        return test_samples(sign * (first - second), *at)


def test_samples(
    differences: Array, rounds: NDArray[np.int64], samples: NDArray[np.int64]
) -> PairedTest:
    """The test that so many rounds allow; p = 1 where nothing differs."""
    n = len(np.unique(rounds))
    if n >= MIN_ROUNDS and differences.any():
        return statistics.two_way_test(differences, rounds, samples)
    if differences.any():
        return statistics.sample_test(differences, samples)
    if not len(differences):
        raise StatisticsError("expected a round that both arms have predictions of")
    name = "two-way t" if n >= MIN_ROUNDS else "paired t over samples"
    return statistics.PairedTest(name, 0.0, -inf, inf, 0.95, 0.0, 0.0, max(n - 1, 1), 1.0, n, 1.0)
