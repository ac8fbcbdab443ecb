"""One search of an arm under way: what it needs next, and at last what it has chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, final

from chainrule.study.search import selection
from chainrule.study.search.candidates import count_candidates, make_proposer
from chainrule.study.search.racing import plan_splits
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.sections.space import Params
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingRecord

__all__ = ["ArmSearch", "Choice", "SearchTraining"]


class Choice(NamedTuple):
    """The candidate that a search chose, and its setting."""

    candidate: int
    setting: Params


class SearchTraining(NamedTuple):
    """A candidate to be judged on a split."""

    candidate: int
    setting: Params
    fold: int


@final
class ArmSearch:
    """The search of an arm in round ``r``, or before all rounds.

    What it needs follows from the rows that it was given. It thinks about that only when all that
    it has asked for is there: so a row costs the same, however many came before.

    - ``is_over``: nothing more is needed; ``choice``: what it found, None before that, and where
      every candidate failed.
    """

    def __init__(self, study: Study, arm: Arm, r: int) -> None:
        self.study, self.arm, self.round = study, arm, r
        self._n_candidates = count_candidates(study, arm)
        self.is_over = False
        self.choice: Choice | None = None
        self._rows: dict[int, dict[int, TrainingRecord]] = {}
        self._means: dict[int, float] = {}
        self._needed: list[int] = []
        self._missing: set[tuple[int, int]] = set()

    @cached_property
    def _propose(self) -> Callable[[Mapping[int, Sequence[TrainingRecord]]], Sequence[Params]]:
        """See :func:`make_proposer`."""
        return make_proposer(self.study, self.arm, self.round)

    @property
    def n_trainings(self) -> int:
        """How many it takes; before it is over, at most."""
        if self.is_over:
            return sum(self._needed)
        return self._n_candidates * self.study.selection.splits

    @property
    def best_validation(self) -> float | None:
        """The best mean over splits so far of a candidate that has a value on each of them."""
        pick = max if self.study.direction == "max" else min
        return pick(self._means.values(), default=None)

    def add(self, row: TrainingRecord) -> None:
        """Enter what a candidate gave on a split."""
        rows = self._rows.setdefault(row.candidate, {})
        rows[row.fold] = row
        self._missing.discard((row.candidate, row.fold))
        self._means.pop(row.candidate, None)
        if all(selection.is_finite(self.study, other) for other in rows.values()):
            values = [selection.metric_value(self.study, other) for other in rows.values()]
            self._means[row.candidate] = sum(values) / len(values)

    def advance(self) -> list[SearchTraining]:
        """What it needs that it has not asked for yet; of that, what is known is passed over at
        once.
        """
        found: list[SearchTraining] = []
        while not self._missing and not self.is_over:
            found += self._ask()
        return found

    def _ask(self) -> list[SearchTraining]:
        """The next candidates or splits; or the end."""
        judged = {c: [rows[f] for f in sorted(rows)] for c, rows in sorted(self._rows.items())}
        settings = self._propose(judged)
        needed, is_judged = plan_splits(self.study, judged, len(settings))
        before = self._needed + [0] * (len(needed) - len(self._needed))
        self._needed = needed
        asked = [
            SearchTraining(c, setting, f)
            for c, setting in enumerate(settings)
            for f in range(before[c], needed[c])
        ]
        self._missing = {(t.candidate, t.fold) for t in asked if not self._knows(t)}
        if is_judged and len(settings) == self._n_candidates:
            self.is_over = True
            best = selection.best_candidate(self.study, judged)
            if not selection.has_failed(judged[best]):  # else there is none to choose
                self.choice = Choice(best, judged[best][0].setting)
        return asked

    def _knows(self, training: SearchTraining) -> bool:
        return training.fold in self._rows.get(training.candidate, {})
