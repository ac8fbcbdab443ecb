"""When a study was looked at, and what that asks of its tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chainrule import statistics
from chainrule.study.spec.study import Study

__all__ = ["Look", "count_first_rounds", "find_looks", "find_needed_rounds"]


@dataclass(frozen=True)
class Look:
    """A look at a study: after how many ``rounds`` of all arms, when (UTC, ISO 8601), and by which
    plan: the looks that were declared then, and the method, None where the rounds are fixed.
    """

    rounds: int
    time: str
    plan: tuple[int, ...]
    method: str | None

    @classmethod
    def of_study(cls, study: Study, rounds: int, time: str) -> Look:
        """A look at this study."""
        method = None if study.sequential is None else study.sequential.method
        return cls(rounds, time, study.looks, method)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Look:
        """What :meth:`as_row` gives."""
        return cls(row["rounds"], row["time"], tuple(row["plan"]), row["method"])

    def as_row(self) -> dict[str, Any]:
        """The look as JSON data."""
        plan = list(self.plan)
        return {"rounds": self.rounds, "time": self.time, "plan": plan, "method": self.method}

    def is_planned(self, study: Study) -> bool:
        """Whether the study, as it is declared now, plans its looks as it did then."""
        return self == Look.of_study(study, self.rounds, self.time)


def find_looks(
    study: Study, made: Iterable[Look], rounds: int, design: statistics.Design
) -> statistics.SequentialDesign | None:
    """The looks that a test after so many rounds must allow for; None where this is the only one

    Those of the plan where every look was made by it. Else there were looks that nobody had
    planned, such as one before more rounds were asked for: then all are allowed for, and any that
    may come ("anytime"). Rounds that share samples have Bonferroni's levels.
    """
    unplanned = {look.rounds for look in made if not look.is_planned(study)}
    declared = study.sequential
    if not unplanned - {rounds} and declared is None:
        return None
    now = {rounds} if declared is None else set(study.looks)
    looks = tuple(sorted({n for n in unplanned if n <= rounds} | now))
    if looks[0] < 2:
        return None
    method = "anytime" if unplanned or declared is None else declared.method
    return statistics.SequentialDesign(looks, method if design.independent else "bonferroni")


def find_needed_rounds(
    study: Study, rounds: int, compare_at: Callable[[int], statistics.Comparisons | None]
) -> int:
    """How many rounds a study needs of which all arms have so many: as far as is known now

    ``compare_at`` gives the comparisons of the first n rounds, None where they cannot be made. It
    is the next look, or the one that ends the study.
    """
    declared = study.sequential
    for n in () if declared is None else study.looks:
        if rounds < n:
            return n
        found = compare_at(n)
        if found is None or (declared and found.is_settled(futility=declared.futility)):
            return n
    return study.max_rounds


def count_first_rounds(rounds: Sequence[set[int]]) -> int:
    """How many rounds, from the first on, all of these have."""
    common = set.intersection(*rounds) if rounds else set()
    n = 0
    while n in common:
        n += 1
    return n
