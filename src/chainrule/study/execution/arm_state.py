"""What of an arm is done, what was handed out to be trained, and what waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from chainrule.study.execution.cohorts import Training
from chainrule.study.search.arm_search import ArmSearch, Choice
from chainrule.study.search.scope import search_rounds
from chainrule.study.spec.arms import Arm
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingKey, TrainingRecord

__all__ = ["ArmState"]


@final
class ArmState:
    """An arm of a run. Each of its trainings is taken once, whether it is done or not.

    - ``done``: what names the trainings that are done; ``n_done``: how many of them count.
    - ``searches``: round → its search; none of an arm without a space.
    """

    def __init__(self, study: Study, arm: Arm) -> None:
        self.study, self.arm = study, arm
        self.done: set[TrainingKey] = set()
        self.n_done = 0
        rounds = search_rounds(study) if arm.space else ()
        self.searches = {r: ArmSearch(study, arm, r) for r in rounds}
        self._changed = {*self.searches}
        self._final_rounds: set[int] = set()
        self._is_timed = False

    def add(self, row: TrainingRecord) -> None:
        """Enter what is done."""
        if row.key not in self.done:
            self.n_done += row.stage != "timing" or self.study.timing
        self.done.add(row.key)
        if row.stage == "search" and row.round in self.searches:
            self.searches[row.round].add(row)
            self._changed.add(row.round)

    def take_search(self, rounds: Sequence[int]) -> list[Training]:
        """What the searches in these rounds need now."""
        changed = sorted(self._changed.intersection(rounds))
        self._changed.difference_update(changed)
        return [
            Training(t.candidate, t.setting, r, t.fold)
            for r in changed
            for t in self.searches[r].advance()
        ]

    def take_finals(self, searched: Sequence[int], rounds: Sequence[int]) -> list[Training]:
        """The final trainings of these rounds, when the searches in the ``searched`` are over."""
        new = [r for r in rounds if r not in self._final_rounds]
        if not new or not all(self.searches[r].is_over for r in searched if self.searches):
            return []
        self._final_rounds.update(new)
        chosen = {r: choice for r in new if (choice := self._choose(r)) is not None}
        return [Training(c, setting, r, 0) for r, (c, setting) in chosen.items()]

    def _choose(self, r: int) -> Choice | None:
        """What is trained in a round, when its search is over."""
        if not self.searches:
            return Choice(0, {})
        scope = r if self.study.searches_each_round else min(self.searches)
        return self.searches[scope].choice

    def take_timing(self, finals: Sequence[Training]) -> list[Training]:
        """One of these final trainings, to be timed alone, where the study says so."""
        if not self.study.timing or self._is_timed or not finals:
            return []
        self._is_timed = True
        return [finals[0]]
