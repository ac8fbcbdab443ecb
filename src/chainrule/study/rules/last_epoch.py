"""R002: still improving at the last epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import fmean
from typing import TYPE_CHECKING, final

from chainrule.statistics import FreshData, one_sample_test
from chainrule.study.rules.base import Finding, Rule, format_number, run_command

if TYPE_CHECKING:
    from chainrule.study.results.arm_result import ArmResult
    from chainrule.study.results.study_result import StudyResult

__all__ = ["LastEpoch"]

LEAST = 0.02
"""The share of all that a curve moved which its last tenth may gain, and be called flat."""


@final
class LastEpoch(Rule):
    """The test metric is better in the last tenth of the epochs than in the tenth before."""

    code = "R002"
    title = "still improving at the last epoch"
    severity = "warning"
    why = (
        "The training was cut short, so arms are compared by how fast they learn, not by what they "
        "reach. The mean of the test metric over the last tenth of the epochs is above that of the "
        "tenth before, by more than chance over the rounds (t test, one-sided, 5 %) and by "
        f"{LEAST:.0%} of all that the curve moved."
    )
    advice = "Train for longer, or with a learning rate that decays to 0 by the last epoch."

    def find(self, result: StudyResult) -> Iterator[Finding]:
        sign = 1.0 if result.study.direction == "max" else -1.0
        name = f"test_{result.study.metric_name}"
        for arm in result.arms:
            if gain := measure_gain(arm, name, sign):
                epochs = max(row.epochs for row in arm.rows)
                tenth = max(1, epochs // 10)
                before, last = f"epoch {epochs - 1}", f"epoch {epochs}"
                if tenth > 1:
                    before = f"epochs {epochs - 2 * tenth + 1} to {epochs - tenth}"
                    last = f"epochs {epochs - tenth + 1} to {epochs}"
                yield self.make_finding(
                    arm.arm,
                    f"the {name.replace('_', ' ')} still gains {format_number(gain)} from {before} "
                    f"to {last}, the last",
                    f"train for longer: {run_command(result, '--epochs', str(2 * epochs))}",
                    gain=gain,
                    epochs=epochs,
                )


def measure_gain(arm: ArmResult, name: str, sign: float) -> float:
    """What the last tenth of the epochs gains on the tenth before; 0 where it is flat."""
    gains, ranges = [], []
    for row in arm.rows:
        curve = [sign * x for x in row.curves.get(name, ())]
        tenth = max(1, len(curve) // 10)
        last, before, known = (  # not every epoch need be evaluated
            [x for x in part if math.isfinite(x)]
            for part in (curve[-tenth:], curve[-2 * tenth : -tenth], curve)
        )
        if row.status == "done" and last and before:
            gains.append(fmean(last) - fmean(before))
            ranges.append(max(known) - min(known))
    if not gains or fmean(gains) <= max(0.0, LEAST * fmean(ranges)):
        return 0.0
    if len(gains) > 1 and one_sample_test(gains, 0.0, FreshData(), confidence=0.9).low <= 0:
        return 0.0  # what the rounds differ by explains it, at a level of 5 % on this side
    return fmean(gains)
