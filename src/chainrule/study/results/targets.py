"""Has an arm reached a number, such as a reported one, and how long did it take?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

from chainrule._util.argument_checks import check_arguments
from chainrule._util.plain_data import finite_or_none
from chainrule._util.suggest import did_you_mean
from chainrule.recipes.errors import StudyError
from chainrule.statistics import PairedTest, holm, one_sample_test

if TYPE_CHECKING:
    from chainrule.study.results.arm_result import ArmResult
    from chainrule.study.results.study_result import StudyResult

__all__ = ["TargetTest", "TimeToTarget", "compare_with_target", "time_to_target"]


@dataclass(frozen=True)
class TargetTest:
    """An arm against a number: ``test`` is of its mean less the target, above 0 is better.

    ``p_holm`` is corrected for all arms of the table.
    """

    arm: str
    mean: float
    target: float
    test: PairedTest
    p_holm: float

    @property
    def conclusion(self) -> Literal["better", "worse", "undecided"]:
        """Better or worse than the target; undecided is no difference found."""
        if self.p_holm > 1 - self.test.confidence:
            return "undecided"
        return "better" if self.test.difference > 0 else "worse"

    def as_row(self) -> dict[str, Any]:
        """The row as JSON data."""
        return {
            "arm": self.arm,
            "mean": self.mean,
            "target": self.target,
            **self.test.as_row(),
            "p_holm": self.p_holm,
            "conclusion": self.conclusion,
        }


@dataclass(frozen=True)
class TimeToTarget:
    """After how many epochs each round's test metric was first as good as the target.

    ``epochs`` and ``seconds`` (amortised: cohort time / trainings), one a round; None for a round
    that never was. Their medians are over all rounds, those that never were counted last.
    """

    arm: str
    target: float
    epochs: Sequence[int | None]
    seconds: Sequence[float | None]

    @property
    def reached_rounds(self) -> int:
        """In how many rounds."""
        return sum(epoch is not None for epoch in self.epochs)

    @property
    def median_epochs(self) -> float | None:
        """None where less than half of the rounds reached the target."""
        return median_or_none(self.epochs)

    @property
    def median_seconds(self) -> float | None:
        """None where less than half of the rounds reached the target."""
        return median_or_none(self.seconds)

    def as_row(self) -> dict[str, Any]:
        """The row as JSON data."""
        return {
            "arm": self.arm,
            "target": self.target,
            "n": len(self.epochs),
            "reached": self.reached_rounds,
            "median_epochs": self.median_epochs,
            "median_seconds": self.median_seconds,
            "epochs": list(self.epochs),
            "seconds": list(self.seconds),
        }


@check_arguments
def compare_with_target(result: StudyResult, target: float | None = None) -> list[TargetTest]:
    """Each arm against the target, or those with a reported value against that.

    By :func:`chainrule.statistics.one_sample_test` with the standard error of the study's design;
    over one fixed split it is about that split. A target is exact. Raises StatisticsError for fewer
    than two rounds and a target that is not finite, StudyError where nothing is to be compared and
    where a diverged round would beat one that did not.
    """
    if problem := result.failure_problem:
        raise StudyError(f"study {result.study.name}: {problem}")
    targets = {
        arm.arm: arm.reported.mean if target is None and arm.reported else target
        for arm in result.arms
        if target is not None or arm.reported
    }
    if not targets:
        raise StudyError(
            f"study {result.study.name}: no arm has results and a reported value to compare with"
        )
    sign = 1.0 if result.study.direction == "max" else -1.0
    goals = {name: float(goal) for name, goal in targets.items() if goal is not None}
    arms = [result.arm(name) for name in goals]
    tests = [
        one_sample_test([sign * v for v in arm.values], sign * goals[arm.arm], result.design)
        for arm in arms
    ]
    corrected = holm([test.p for test in tests])
    return [
        TargetTest(arm.arm, arm.mean, goals[arm.arm], test, p)
        for arm, test, p in zip(arms, tests, corrected, strict=True)
    ]


@check_arguments
def time_to_target(result: StudyResult, target: float | Mapping[str, float]) -> list[TimeToTarget]:
    """After how many epochs, and seconds, each arm's rounds reached the target, or its own one.

    Read off the curves of the test metric. Raises StudyError where a study has none, as under a
    schedule that would follow the test loss, and for the target of an arm that there is not.
    """
    arms = [arm.name for arm in result.study.all_arms]
    for name in target if isinstance(target, Mapping) else ():
        if name not in arms:
            hint = did_you_mean(name, arms)
            raise StudyError(f"target: no arm {name!r}; {hint}arms: {', '.join(arms)}")
    found = []
    for arm in result.arms:
        goal = target.get(arm.arm) if isinstance(target, Mapping) else target
        if goal is not None:
            found.append(time_one_arm(arm, goal, better=result.study.direction == "max"))
    return found


def time_one_arm(arm: ArmResult, target: float, *, better: bool) -> TimeToTarget:
    """Of one arm; ``better``: whether more is better."""
    sign = 1.0 if better else -1.0
    epochs: list[int | None] = []
    seconds: list[float | None] = []
    for row, curve in zip(arm.rows, arm.curves(f"test_{arm.metric}"), strict=True):
        first = next((i for i, v in enumerate(curve, 1) if sign * v >= sign * target), None)
        epochs.append(first)
        per_epoch = row.seconds / row.cohort_size / max(1, len(curve))
        seconds.append(None if first is None else first * per_epoch)
    return TimeToTarget(arm.arm, target, epochs, seconds)


def median_or_none(values: Sequence[float | None]) -> float | None:
    """The median, None for infinite."""
    return finite_or_none(median(math.inf if v is None else v for v in values))
