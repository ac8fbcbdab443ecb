"""R004: a gap between training and test."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import fmean, stdev
from typing import TYPE_CHECKING, final

from chainrule.study.rules.base import Finding, Rule, format_number

if TYPE_CHECKING:
    from chainrule.study.results.study_result import StudyResult

__all__ = ["TrainingGap"]

MOST = 0.2
"""The share of what was learned that may be lost on test data."""


@final
class TrainingGap(Rule):
    """Much of what an arm does on its training samples it does not do on test samples."""

    code = "R004"
    title = "gap between training and test"
    severity = "warning"
    why = (
        "The net knows its training samples by heart: more than a fifth of what it is better than "
        "the trivial answer on the training set is gone on the test set, by more than two standard "
        "errors over the rounds. The arm may be judged for its size or its length of training."
    )
    advice = "More training samples, fewer epochs, weight decay or dropout; or search over them."
    reads_samples = True

    def find(self, result: StudyResult) -> Iterator[Finding]:
        metric = result.study.metric_name
        sign = 1.0 if result.study.direction == "max" else -1.0
        for arm in result.arms:
            rows = [
                row
                for row in arm.rows
                if row.status == "done"
                and math.isfinite(row.metrics.get(f"train_{metric}", math.nan))
            ]
            if not rows:
                continue
            trained = [row.metrics[f"train_{metric}"] for row in rows]
            tested = [row.metrics[metric] for row in rows]
            gaps = [sign * (a - b) for a, b in zip(trained, tested, strict=True)]
            trivial = fmean(result.trivial_scores[row.round] for row in rows)
            learned, gap = sign * (fmean(trained) - trivial), fmean(gaps)
            error = stdev(gaps) / math.sqrt(len(gaps)) if len(gaps) > 1 else 0.0
            if learned > 0 and gap > MOST * learned and gap > 2 * error:
                yield self.make_finding(
                    arm.arm,
                    f"training {metric} {format_number(fmean(trained))}, test "
                    f"{format_number(fmean(tested))}: {gap / learned:.0%} of what it learned "
                    f"beyond the trivial answer's {format_number(trivial)} is lost on test data",
                    "try optimizer.weight_decay = 0.001 or fewer epochs, or learn from more "
                    "samples (--data train=N)",
                    train=fmean(trained),
                    test=fmean(tested),
                    trivial=trivial,
                    share_lost=gap / learned,
                )
