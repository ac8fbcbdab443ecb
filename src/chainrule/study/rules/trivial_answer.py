"""R003: no better than the trivial answer."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean
from typing import TYPE_CHECKING, final

from chainrule.statistics import paired_test
from chainrule.study.rules.base import Finding, Rule, format_number

if TYPE_CHECKING:
    from chainrule.study.results.study_result import StudyResult

__all__ = ["TrivialAnswer"]


@final
class TrivialAnswer(Rule):
    """An arm that one who never looks at the inputs would match."""

    code = "R003"
    title = "no better than the trivial answer"
    severity = "error"
    why = (
        "One answer to all samples (the most frequent class of the training set, the mean of the "
        "number) does as well, or cannot be told from it at 5 %, by the test that the rounds "
        "allow. The net has learned nothing that the metric sees: 94.2 % beside a class that is "
        "94.5 % of the samples is no success."
    )
    advice = (
        "Look whether it learns at all (its training loss, the learning rate), and choose a "
        "metric that counts the rare class, such as BalancedAccuracy."
    )
    reads_samples = True

    def find(self, result: StudyResult) -> Iterator[Finding]:
        sign = 1.0 if result.study.direction == "max" else -1.0
        for arm in result.arms:
            trivial = [result.trivial_scores[row.round] for row in arm.rows]
            values = [sign * value for value in arm.values]
            others = [sign * value for value in trivial]
            if fmean(values) > fmean(others):
                if len(values) < 3:
                    continue
                if paired_test(values, others, result.design).p <= 0.05:
                    continue
            name = result.study.metric_name
            yield self.make_finding(
                arm.arm,
                f"its test {name} of {format_number(arm.mean)} is no better than the trivial "
                f"answer's {format_number(fmean(trivial))} ({arm.n} rounds)",
                f"see what it learns: chainrule plot {result.study.name} curves; then try other "
                "values of optimizer.lr",
                mean=arm.mean,
                trivial=fmean(trivial),
                rounds=arm.n,
            )
