"""R003: no better than the trivial answer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, final

from chainrule._util.words import count_noun
from chainrule.statistics import FreshData, paired_test
from chainrule.study.rules.base import Finding, Rule, format_number, is_share

if TYPE_CHECKING:
    from chainrule.study.results.arm_result import ArmResult
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
        "number) does as well, or is worse by no more than chance (5 %, one-sided: the t test over "
        "the rounds, or of a share what its number of test samples lets expect). The net has "
        "learned nothing that the metric sees: 94.2 % beside a class that is 94.5 % of the samples "
        "is no success."
    )
    advice = (
        "Look whether it learns at all (its training loss, the learning rate), and choose a "
        "metric that counts the rare class."
    )
    reads_samples = True

    def find(self, result: StudyResult) -> Iterator[Finding]:
        for arm in result.arms:
            trivial = [result.trivial_scores[row.round] for row in arm.rows]
            if is_better(result, arm, trivial):
                continue
            name, mean = result.study.metric_name, format_number(arm.mean)
            below = (arm.mean <= fmean(trivial)) == (result.study.direction == "max")
            how = "no better than" if below else "better by no more than chance than"
            yield self.make_finding(
                arm.arm,
                f"its test {name} of {mean} is {how} the trivial answer's "
                f"{format_number(fmean(trivial))} ({count_noun(arm.n, 'round')})",
                f"see what it learns: chainrule plot {result.study.name} curves; then try other "
                "values of optimizer.lr",
                mean=arm.mean,
                trivial=fmean(trivial),
                rounds=arm.n,
            )


def is_better(result: StudyResult, arm: ArmResult, trivial: Sequence[float]) -> bool:
    """Whether an arm is better than what is trivial, by more than chance."""
    sign = 1.0 if result.study.direction == "max" else -1.0
    values = [sign * value for value in arm.values]
    others = [sign * value for value in trivial]
    gain = fmean(values) - fmean(others)
    if gain <= 0:
        return False
    sizes = [row.n_test for row in arm.rows]
    shares = all(map(is_share, [*arm.values, *trivial], sizes * 2))
    if arm.n > 1:
        test = paired_test(values, others, result.design)
        if test.p <= 0.1 or not shares or gain <= test.standard_error:
            return test.p <= 0.1
    if not shares:
        return True
    n = sum(sizes) if isinstance(result.design, FreshData) else min(sizes)
    error = math.sqrt(sum(p * (1 - p) / n for p in (fmean(arm.values), fmean(trivial))))
    return gain > 1.645 * error
