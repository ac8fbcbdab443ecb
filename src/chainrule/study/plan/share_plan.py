"""How much of a plan one share has."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.study.execution.scheduling.scheduler import Scheduler
from chainrule.study.plan.plan import Plan
from chainrule.study.shares.share import select_trainings

__all__ = ["SharePlan", "plan_share"]


@dataclass(frozen=True)
class SharePlan:
    """``trainings`` ``of`` so many; ``seconds`` on one core, None where that was not measured."""

    trainings: int
    of: int
    seconds: float | None


def plan_share(plan: Plan, share: str) -> SharePlan:
    """What a share has of the planned arms; its time by its part of each arm's trainings.

    Raises StudyError for what is no share.
    """
    names = {counts.arm for counts in plan.arms}
    arms = [arm for arm in plan.study.all_arms if arm.name in names]
    wanted = Scheduler(plan.study, arms, is_wanted=select_trainings(plan.study, share, None))
    whole = Scheduler(plan.study, arms)
    parts = {arm.name: (wanted.count_total(arm), whole.count_total(arm)) for arm in arms}
    times = [
        planned.seconds * parts[planned.arm][0] / parts[planned.arm][1]
        for planned in plan.sizes
        if planned.seconds is not None
    ]
    own, total = (sum(column) for column in zip(*parts.values(), strict=True))
    return SharePlan(own, total, sum(times) if times else None)
