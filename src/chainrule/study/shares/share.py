"""Which part of a study is whose: it follows from the declaration, so nobody needs to ask."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self, final, get_args

from chainrule.recipes.errors import StudyError
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingKey

__all__ = ["Division", "RunStage", "Share", "divides_searches", "select_trainings"]

RunStage = Literal["search", "final"]
"""What a run may be told to do alone."""


@final
@dataclass(frozen=True)
class Share:
    """Part ``number`` of ``count``, counted from 1."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The share that ``3/8`` means. Raises StudyError for what means none."""
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip())
        number, count = map(int, found.groups()) if found else (0, 0)
        if not 1 <= number <= count:
            raise StudyError(f"share: expected NUMBER/COUNT, from 1/COUNT on, as 3/8, got {text!r}")
        return cls(number, count)

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @property
    def label(self) -> str:
        """``3-of-8``, for the name of a file."""
        return f"{self.number}-of-{self.count}"


def divides_searches(study: Study) -> bool:
    """Whether candidates of one search go to several shares: none needs to know of another's.

    Not so where a search is made in each round, which goes with its round, and where what is
    trained next follows from what came before: halving, a race, proposals of a model.
    """
    search = study.search
    depends = search.halving or search.race or search.method in ("tpe", "gp")
    return not (study.searches_each_round or depends)


@final
class Division:
    """The trainings of a study, dealt to ``count`` shares like cards: who has which.

    What is dealt is a round of an arm, with its search where there is one in each round. Of one
    search before the rounds it is each candidate on each split; or all of an arm's where
    :func:`divides_searches` says no. A round of each arm is dealt, then the next round, whatever
    the number of rounds, so more of them change no share. The data sets of a study begin a round
    later each.
    """

    def __init__(self, study: Study, count: int) -> None:
        self.study, self.count = study, count
        self._arms = {arm.name: i for i, arm in enumerate(study.all_arms)}
        self._turn = math.lcm(len(self._arms), count)
        self._divides_searches = divides_searches(study)
        of = study.part_of
        self._first = 0 if of is None else [*of.datasets].index(of.dataset)

    def find_number(self, key: TrainingKey) -> int:
        """The number of the share that has the training of this name."""
        round_of_deal = self._first + self._find_card(key)
        card = round_of_deal * len(self._arms) + self._arms[key.arm]
        # Else an arm would go to the same shares for ever, where their numbers have a divisor.
        return (card + card // self._turn) % self.count + 1

    def _find_card(self, key: TrainingKey) -> int:
        """Which of its arm's cards it is, from 0 on."""
        if key.stage == "timing":
            return 0
        if key.stage == "final" or self.study.searches_each_round:
            return key.round
        if self._divides_searches:
            return key.candidate * self.study.selection.splits + key.fold
        return 0


def select_trainings(
    study: Study, share: str | None, stage: RunStage | None
) -> Callable[[TrainingKey], bool]:
    """What says of a training, by its name, whether it is of this share and stage.

    Raises StudyError for a share or stage that there is not.
    """
    if stage not in (None, *get_args(RunStage)):
        raise StudyError(f"stage: expected search or final, got {stage!r}")
    part = None if share is None else Share.parse(share)
    division = None if part is None else Division(study, part.count)

    def is_wanted(key: TrainingKey) -> bool:
        is_staged = stage is None or (key.stage == "search") == (stage == "search")
        if not is_staged or division is None or part is None:
            return is_staged
        return division.find_number(key) == part.number

    return is_wanted
