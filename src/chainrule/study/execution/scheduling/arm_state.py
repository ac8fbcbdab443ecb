"""What of an arm is done, what was handed out to be trained, and what waits for it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import final

from chainrule.study.execution.cohorts import MAX_REPLICAS, Training, split_evenly
from chainrule.study.search.arm_search import ArmSearch, Choice
from chainrule.study.search.candidates import count_candidates
from chainrule.study.search.scope import search_rounds
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.study import Study
from chainrule.study.store.record import SEARCH_ROUND, Stage, TrainingKey, TrainingRecord

__all__ = ["ArmState"]


@final
class ArmState:
    """An arm of a run. Each of its trainings is taken once, whether it is done or not.

    - ``is_wanted``: whether a training, by its name, belongs to this run; only such are taken.
    - ``done``: what names the trainings that are done; ``n_done``: how many of them count.
    - ``searches``: round → its search; none of an arm without a space, and none that decides on
      nothing that is wanted.
    """

    def __init__(self, study: Study, arm: Arm, is_wanted: Callable[[TrainingKey], bool]) -> None:
        self.study, self.arm, self.is_wanted = study, arm, is_wanted
        self.done: set[TrainingKey] = set()
        self.n_done = 0
        rounds = search_rounds(study) if arm.space else ()
        self.searches = {r: ArmSearch(study, arm, r) for r in rounds if self._is_needed(r)}
        self._n_candidates = count_candidates(study, arm)
        self._wanted = {r: self._count_wanted(r) for r in self.searches}
        self._changed = {*self.searches}
        self._waiting: list[Sequence[int]] = []
        self._n_opened = 0
        self._is_timed = False

    def add(self, row: TrainingRecord) -> None:
        """Enter what is done."""
        if row.key not in self.done:
            self.n_done += self.is_wanted(row.key) and (row.stage != "timing" or self.study.timing)
        self.done.add(row.key)
        if row.stage == "search" and row.round in self.searches:
            self.searches[row.round].add(row)
            self._changed.add(row.round)

    def _is_needed(self, r: int) -> bool:
        """Whether the search in a round is wanted, or what is trained with its choice."""
        if not self.study.searches_each_round:
            return True
        stages: tuple[Stage, ...] = ("search", "final")
        return any(self.is_wanted(TrainingKey(self.arm.name, stage, 0, r, 0)) for stage in stages)

    def list_final_rounds(self, rounds: Iterable[int]) -> list[int]:
        """Those of these rounds whose final training is wanted."""
        return [r for r in rounds if self.is_wanted(TrainingKey(self.arm.name, "final", 0, r, 0))]

    def count_total(self, rounds: Sequence[int]) -> int:
        """How many trainings are wanted in rounds up to these; of a race that is not over, at most.

        ``rounds``: those of the results; a search before them counts in any case.
        """
        timed = TrainingKey(self.arm.name, "timing", 0, 0, 0)
        found = [self._count_search(r) for r in self.searches if r < len(rounds)]
        n_timed = self.study.timing and self.is_wanted(timed)
        return sum(found) + len(self.list_final_rounds(rounds)) + n_timed

    def _count_search(self, r: int) -> int:
        """Of a search that is wanted as a whole, as it says; of another what is wanted of it."""
        wanted, n = self._wanted[r], self._n_candidates * self.study.selection.splits
        return self.searches[r].n_trainings if wanted == n else wanted

    def _count_wanted(self, r: int) -> int:
        splits = range(self.study.selection.splits)
        keys = (
            TrainingKey(self.arm.name, "search", c, r, f)
            for c in range(self._n_candidates)
            for f in splits
        )
        return sum(map(self.is_wanted, keys))

    def take_search(self, rounds: Sequence[int]) -> list[Training]:
        """What the searches in these rounds need now."""
        changed = sorted(self._changed.intersection(rounds))
        self._changed.difference_update(changed)
        return [
            Training(t.candidate, t.setting, r, t.fold)
            for r in changed
            for t in self.searches[r].advance()
            if self.is_wanted(TrainingKey(self.arm.name, "search", t.candidate, r, t.fold))
        ]

    def take_finals(self, rounds: Sequence[int]) -> list[list[Training]]:
        """The final trainings of these rounds whose search is over, block by block.

        A block is as many rounds as share a cohort, at most; it waits for all its searches, so
        that its cohorts are the same whichever ends first.
        """
        self._open_finals(rounds)
        ready = [block for block in self._waiting if all(map(self._is_searched, block))]
        self._waiting = [block for block in self._waiting if block not in ready]
        return [
            [Training(*choice, r, 0) for r in block if (choice := self._choose(r)) is not None]
            for block in ready
        ]

    def _open_finals(self, rounds: Sequence[int]) -> None:
        new = [r for r in self.list_final_rounds(rounds) if r >= self._n_opened]
        self._n_opened = max(self._n_opened, len(rounds))
        for _, group in groupby(new, lambda r: bisect_right(self.study.looks, r)):
            until_look = [*group]
            size = len(until_look)
            if self.searches and self.study.searches_each_round:
                size = self.study.cohort_size or MAX_REPLICAS
            self._waiting += split_evenly(until_look, size)

    def _is_searched(self, r: int) -> bool:
        return not self.searches or self._search_for(r).is_over

    def _search_for(self, r: int) -> ArmSearch:
        """The search that decides on a round."""
        return self.searches[r if self.study.searches_each_round else SEARCH_ROUND]

    def list_open_searches(self, rounds: Sequence[int]) -> list[int]:
        """The rounds, of these or before them, whose search is not over."""
        return [r for r, of in self.searches.items() if r < len(rounds) and not of.is_over]

    def _choose(self, r: int) -> Choice | None:
        """What is trained in a round, when its search is over."""
        return self._search_for(r).choice if self.searches else Choice(0, {})

    def take_timing(self, finals: Sequence[Training]) -> list[Training]:
        """The first of these final trainings, to be timed alone, if it is that of the first round.

        Where a search found nothing to train, that of the next round stands for it.
        """
        if not self.study.timing or self._is_timed or not finals:
            return []
        r = finals[0].round
        before = {other for block in self._waiting for other in block if other < r}
        key = TrainingKey(self.arm.name, "timing", finals[0].candidate, r, 0)
        if before or not self.is_wanted(key):
            return []
        self._is_timed = True
        return [finals[0]]
