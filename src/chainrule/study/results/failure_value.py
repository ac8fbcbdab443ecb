"""Whether what a diverged round counts as would beat a round that did not diverge."""

from __future__ import annotations

import math
from collections.abc import Sequence

from chainrule.study.results.arm_result import ArmResult
from chainrule.study.search import selection
from chainrule.study.spec.study import Study

__all__ = ["describe_failure_value"]


def describe_failure_value(study: Study, arms: Sequence[ArmResult]) -> str:
    """A sentence where the failure value is better than a value that was observed, else empty.

    It is no problem where no round diverged: nothing counts as it then.
    """
    sign = 1.0 if study.direction == "max" else -1.0
    if all(arm.n_ok == arm.n for arm in arms):
        return ""
    observed = [
        (sign * value, arm.arm, row.round)
        for arm in arms
        for value, row in zip(arm.values, arm.rows, strict=True)
        if selection.is_finite(study, row)
    ]
    worst, name, r = min(observed, default=(math.inf, "", 0))
    if sign * study.failure_value <= worst:
        return ""
    least = "at most" if sign > 0 else "at least"
    return (
        f"failure_value: a diverged round counts as {study.failure_value:g}, which is better "
        f"than the {study.metric_name} {sign * worst:g} of arm {name} in round {r}; expected "
        f"{least} {sign * worst:g}"
    )
