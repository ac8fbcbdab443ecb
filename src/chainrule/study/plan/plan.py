"""What a study would train, and about how long that takes, before it is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from chainrule.statistics import (
    Design,
    FreshData,
    SequentialDesign,
    detectable_effect,
    plan_rounds,
)
from chainrule.study.results.looks import find_looks
from chainrule.study.results.round_scores import count_tests
from chainrule.study.search.candidates import count_candidates
from chainrule.study.search.racing import count_race_trainings
from chainrule.study.search.scope import describe_search_scope, search_rounds
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.sections.space import grid
from chainrule.study.spec.study import Study

__all__ = ["ArmCounts", "ArmPlan", "Plan", "count_trainings"]


@dataclass(frozen=True, kw_only=True)
class ArmCounts:
    """How many trainings one arm has, which follows from the declaration alone.

    - ``candidates``: tried in each search; ``declared``: those of the whole space where that is
      a grid; ``unused_paths``: paths of the space that do nothing here, for the arm sets them.
    - ``search``, ``final``: trainings; of a race those that are expected, ``most_search`` at most;
      with ``timing`` one of the final ones is alone, for its time.
    """

    arm: str
    candidates: int
    declared: int | None
    unused_paths: tuple[str, ...]
    splits: int
    search: int
    most_search: int
    final: int

    @property
    def trainings(self) -> int:
        """For the search and for the result."""
        return self.search + self.final

    def as_row(self) -> dict[str, Any]:
        """The row as JSON data."""
        return asdict(self)

    @classmethod
    def of_arm(cls, study: Study, arm: Arm) -> ArmCounts:
        """Those of an arm of this study."""
        candidates, searches = count_candidates(study, arm), len(search_rounds(study))
        searches = searches if arm.space else 0
        return ArmCounts(
            arm=arm.name,
            candidates=candidates,
            declared=len(grid(study.space)) if study.search.method == "grid" else None,
            unused_paths=tuple(path for path in study.space if path not in arm.space),
            splits=study.selection.splits if arm.space else 0,
            search=searches * count_race_trainings(study, candidates) if searches else 0,
            most_search=searches * candidates * study.selection.splits,
            final=study.max_rounds + study.timing,
        )


@dataclass(frozen=True, kw_only=True)
class ArmPlan(ArmCounts):
    """What one arm trains. The final trainings are reckoned with the largest net of its search.

    - ``cohorts``, ``cohort_sizes``: how many, and the least and most trainings in one.
    - ``steps``: of all cohorts; ``multiply_adds``: of all trainings.
    - ``parameters``: of the smallest and the largest net, all members.
    - ``seconds``: on one core, None if not measured, of which ``search_seconds`` for the search;
      ``bytes``: of the largest cohort.
    """

    cohorts: int
    cohort_sizes: tuple[int, int]
    steps: int
    parameters: tuple[int, int]
    multiply_adds: float
    seconds: float | None
    search_seconds: float | None
    bytes: int


@dataclass(frozen=True)
class Plan:
    """What the arms of a study train, on ``jobs`` workers.

    ``design`` is how the rounds will come about: what a conclusion will be about; None where that
    is not known without looking at samples.
    """

    study: Study
    arms: Sequence[ArmCounts]
    jobs: int
    design: Design | None

    @cached_property
    def sizes(self) -> list[ArmPlan]:
        """The arms of which more is known than how many trainings they have: all or none."""
        return [arm for arm in self.arms if isinstance(arm, ArmPlan)]

    @property
    def search_scope(self) -> str:
        """That conclusions will be about settings, of one search; empty where about arms."""
        return describe_search_scope(self.study)

    @property
    def tests(self) -> int:
        """How many are corrected together: comparisons of arms, and effects of factors."""
        return count_tests(self.study)

    @property
    def looks(self) -> SequentialDesign | None:
        """When the study will be looked at, and at what level; None where rounds are fixed."""
        n = self.study.max_rounds
        found = find_looks(self.study, [], n, self.design or FreshData())
        return found and replace(found, comparisons=max(1, self.tests))

    def find_sensitivity(self) -> dict[str, Any]:
        """What so many rounds will find with a power of 80 %, in standard deviations of the rounds'
        differences; and how many rounds find one of 1. As JSON data; None where that is not known.
        """
        n, m, design, looks = self.study.max_rounds, self.tests, self.design, self.looks
        found: dict[str, Any] = {"rounds": n, "looks": self.study.looks, "tests": m}
        if n < 2 or not m or design is None:
            return found
        if looks is None or not design.independent:
            alpha = 0.05 if looks is None else m * looks.levels[-1]
            effect = detectable_effect(n, comparisons=m, alpha=alpha, design=design)
            one = plan_rounds(1.0, comparisons=m, alpha=alpha, design=design)
            return {**found, "detectable_effect": effect, "rounds_for_1": one}
        effect = looks.find_detectable_effect()
        share, one_mean = looks.power(1.0)
        return {
            **found,
            "detectable_effect": effect,
            "mean_rounds": looks.power(effect)[1],
            "power_for_1": share,
            "mean_rounds_for_1": one_mean,
        }

    @property
    def trainings(self) -> int:
        """Of all arms."""
        return sum(arm.trainings for arm in self.arms)

    @property
    def seconds(self) -> float | None:
        """With all workers busy to the end; None if not measured."""
        times = [arm.seconds for arm in self.sizes if arm.seconds is not None]
        return sum(times) / self.jobs if len(times) == len(self.arms) else None

    def price_searches(self) -> dict[bool, tuple[int, float | None]]:
        """Each round searches → trainings of the whole and its seconds, on all workers.

        Empty where nothing is searched; one search is no choice where rounds divide one data set.
        A search takes as long in each round.
        """
        search = sum(arm.search for arm in self.arms)
        if not search:
            return {}
        seconds = [arm.search_seconds for arm in self.sizes if arm.search_seconds is not None]
        now, n = self.study.searches_each_round, self.study.max_rounds
        prices = {}
        for each_round in (True,) if self.study.data.divides_one_draw else (True, False):
            share = 1.0 if each_round == now else n if each_round else 1 / n
            added = (share - 1) * sum(seconds) / self.jobs
            whole = None if self.seconds is None else self.seconds + added
            prices[each_round] = round(self.trainings + (share - 1) * search), whole
        return prices

    def totals(self) -> dict[str, Any]:
        """The sums over the arms, as JSON data; ``bytes`` is what all workers take at most.

        What is not known of the arms is left out.
        """
        names = ["trainings", "search", "final"]
        names += ["cohorts", "steps", "multiply_adds"] if self.sizes else []
        sums = {name: sum(getattr(arm, name) for arm in self.arms) for name in names}
        hours = None if self.seconds is None else self.seconds / 3600
        found = {**sums, "jobs": self.jobs, "hours": hours}
        if not self.sizes:
            return found
        largest = sorted((arm.bytes for arm in self.sizes), reverse=True)
        return {**found, "bytes": sum(largest[: self.jobs])}

    def as_rows(self) -> list[dict[str, Any]]:
        """A row an arm, as JSON data."""
        return [arm.as_row() for arm in self.arms]


def count_trainings(study: Study, *, arms: str = "*", jobs: int = 1) -> Plan:
    """How many trainings these arms have: nothing is made or measured.

    Raises StudyError where no arm matches.
    """
    counts = [ArmCounts.of_arm(study, arm) for arm in study.select(arms)]
    declared = None  # of re-splits: how many samples there are is not known
    if study.data.rounds != "resplit":
        declared = study.data.declared_design(1, 1) or FreshData()
    return Plan(study, counts, jobs, declared)
