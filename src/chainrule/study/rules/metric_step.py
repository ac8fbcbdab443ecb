"""R011: a metric that cannot move."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, final

from chainrule._util.words import count_noun
from chainrule.study.rules.base import Finding, Rule, format_number, is_share

if TYPE_CHECKING:
    from chainrule.study.results.study_result import StudyResult

__all__ = ["MetricStep"]

LARGEST = 0.01
"""A step above which shares are coarse: that of 100 samples."""


@final
class MetricStep(Rule):
    """A share of so few test samples that it moves in large steps, or one that never moved."""

    code = "R011"
    title = "metric that cannot move"
    severity = "warning"
    why = (
        "A share of n test samples moves in steps of 1/n: of 50 by 2 %. Arms that differ by less "
        "are equal in most rounds, and where a step is larger than the rope no round can show a "
        "difference of that size. A metric with one value in every round of every arm cannot tell "
        "them apart at all."
    )
    advice = "More test samples, or a metric that sees more of each (the loss)."

    def find(self, result: StudyResult) -> Iterator[Finding]:
        study = result.study
        values = [value for arm in result.arms for value in arm.values]
        if len(values) > 2 and len(result.arms) > 1 and len(set(values)) == 1:
            yield self.make_finding(
                None,
                f"the test {study.metric_name} is {format_number(values[0])} in all "
                f"{count_noun(len(values), 'round')} of all arms",
                'compare by another metric, such as metric = "loss", direction = "min"',
                value=values[0],
            )
            return
        rows = [row for arm in result.arms for row in arm.rows if row.status == "done"]
        n = min((row.n_test for row in rows), default=0)
        if not n or not all(is_share(row.metrics[study.metric_name], row.n_test) for row in rows):
            return
        step = 1 / (n * study.data.folds if study.data.rounds == "folds" else n)
        if step > LARGEST or step > (study.rope or step):
            rope = f", and the rope is {format_number(study.rope)}" if study.rope else ""
            wanted = max(round(1 / LARGEST), round(1 / (study.rope or 1)))
            yield self.make_finding(
                None,
                f"{count_noun(n, 'test sample')}: the {study.metric_name} moves in steps of "
                f"{step:.2g}{rope}",
                f"test on {count_noun(wanted, 'sample')} or more (--data test={wanted})",
                n_test=n,
                step=step,
            )
