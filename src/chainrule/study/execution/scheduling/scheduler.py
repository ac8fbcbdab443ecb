"""What of a study is done, what can be begun, and what waits for it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import cached_property
from math import prod
from typing import final

from chainrule.data.resampled import input_shape
from chainrule.study.execution.cohorts import (
    CohortJob,
    Training,
    build_jobs,
    join_programs,
    pack_programs,
)
from chainrule.study.execution.scheduling.arm_state import ArmState
from chainrule.study.round_data import RoundData
from chainrule.study.search.racing import race_heat
from chainrule.study.search.scope import search_rounds
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.study import Study
from chainrule.study.store.record import SEARCH_ROUND, Stage, TrainingKey, TrainingRecord

__all__ = ["Scheduler", "select_settled"]

FRESH_BYTES = 2**23
"""Inputs of a fresh round that are worth a cohort of their own in a search."""
PLACE_BYTES, ORDER_BYTES = 4, 8
"""What each net has for a sample of a data set that all share: its place there, and in an epoch."""


@final
class Scheduler:
    """The trainings of a study's arms. What can be begun follows from the rows that are there.

    An arm is searched, then trained with what was chosen in all rounds, and where the study says
    ``timing`` once alone for its time. Cohorts are those of the whole study, less what is done: an
    interrupted run trains the same cohorts as one that was not. ``n_rounds`` are all that there may
    be, unless it is set: a run sets it to the next look at the study.

    Trainings that ``is_wanted`` says no to are not handed out: they are another run's, see
    :mod:`chainrule.study.shares`. What they gave is known by the rows alone.

    Each program is a job, unless it is said for how many ``workers``: then those of short trainings
    that can begin together are one, a ragged cohort.
    """

    def __init__(
        self,
        study: Study,
        arms: Sequence[Arm],
        rows: Iterable[TrainingRecord] = (),
        is_wanted: Callable[[TrainingKey], bool] = lambda _: True,
    ) -> None:
        self.study, self.arms = study, arms
        self.workers: int | None = None
        self.n_rounds = study.max_rounds
        self.round_data = RoundData(study, "cpu")  # for their sizes alone
        self.has_results = False
        """Whether anything has been trained, in this run or an earlier one."""
        self._states = {arm.name: ArmState(study, arm, is_wanted) for arm in arms}
        self._sizes: dict[Hashable, tuple[int, int]] = {}
        self.add(rows)

    def add(self, rows: Iterable[TrainingRecord]) -> None:
        """Enter what is done."""
        for row in rows:
            if row.arm in self._states:
                self._states[row.arm].add(row)
                self.has_results |= row.status != "failed"

    @property
    def rounds(self) -> range:
        """Those up to ``n_rounds``."""
        return range(self.n_rounds)

    @property
    def search_rounds(self) -> Sequence[int]:
        """The rounds that are searched in."""
        return [r for r in search_rounds(self.study) if r < self.n_rounds]

    def count_total(self, arm: Arm) -> int:
        """How many trainings the arm needs in all, or at most: a race may need fewer."""
        return self._states[arm.name].count_total(self.rounds)

    def list_open_searches(self, arm: Arm) -> list[int]:
        """The rounds whose search is not over; the finals wait for them."""
        return self._states[arm.name].list_open_searches(self.rounds)

    def count_done(self, arm: Arm) -> int:
        """How many of them are done."""
        return self._states[arm.name].n_done

    def best_validation(self, arm: Arm) -> float | None:
        """The best mean over validation splits so far of a candidate of which none diverged.

        None before there is one.
        """
        searches = self._states[arm.name].searches.values()
        found = [best for search in searches if (best := search.best_validation) is not None]
        pick = max if self.study.direction == "max" else min
        return pick(found) if found else None

    def take_jobs(self, arm: Arm) -> list[CohortJob]:
        """The arm's cohorts that can be trained now and are not done: each is handed out once."""
        state = self._states[arm.name]
        jobs = self._search_jobs(arm, state.take_search(self.search_rounds))
        for finals in state.take_finals(self.rounds):
            jobs += self._build_jobs(arm, "final", finals)
            jobs += self._build_jobs(arm, "timing", state.take_timing(finals))
        return [left for job in jobs if (left := job.without(state.done)).trainings]

    def _search_jobs(self, arm: Arm, trainings: Sequence[Training]) -> list[CohortJob]:
        """The cohorts of the search; with successive halving those of each round as one job."""
        if self.study.search.halving is None:
            return self._build_jobs(arm, "search", trainings)
        rounds = [[t for t in trainings if t.round == r] for r in self.search_rounds]
        programs = [self._build_programs(arm, "search", of) for of in rounds if of]
        return [join_programs(of, halving=True) for of in programs]

    def _build_jobs(self, arm: Arm, stage: Stage, trainings: Sequence[Training]) -> list[CohortJob]:
        programs = self._build_programs(arm, stage, trainings)
        if self.workers is None:
            return programs
        groups: dict[Hashable, list[CohortJob]] = {}
        for program in programs:
            groups.setdefault(self._group_key(program.trainings[0], stage), []).append(program)
        jobs: list[CohortJob] = []
        for of in groups.values():
            n, _ = self._data_sizes(of[0].trainings[0], stage)
            shape = n, *self._sample_shape
            jobs += pack_programs(of, shape, self.study.cohort_size, self.workers)
        return jobs

    def _build_programs(
        self, arm: Arm, stage: Stage, trainings: Sequence[Training]
    ) -> list[CohortJob]:
        return build_jobs(
            arm,
            stage,
            trainings,
            sample=self._sample_shape,
            cohort_size=self.study.cohort_size,
            group_key=lambda training: self._group_key(training, stage),
            sample_bytes=lambda training: self._own_bytes(training, stage),
        )

    def _group_key(self, training: Training, stage: Stage) -> Hashable:
        """The same for trainings that can begin together, and learn from as many samples."""
        look = bisect_right(self.study.looks, training.round)  # no cohort goes beyond one
        together = self._proposal_batch(training, stage), self._race_heat(training, stage)
        return (
            look,
            *together,
            self._data_sizes(training, stage),
            self._round_apart(training, stage),
        )

    def _round_apart(self, training: Training, stage: Stage) -> int | None:
        """The round, where it draws many samples: a search's cohort then holds them once."""
        fresh = stage == "search" and self.study.data.rounds == "fresh"
        is_large = fresh and self._input_bytes(training, stage) > FRESH_BYTES
        return training.round if is_large else None

    def _own_bytes(self, training: Training, stage: Stage) -> int:
        """What a net has that no other of its cohort has: which samples, and in which order."""
        learned, judged = self._data_sizes(training, stage)
        places = PLACE_BYTES * (learned + judged) + ORDER_BYTES * learned
        fresh = stage != "search" and self.study.data.rounds == "fresh"
        return places + (self._input_bytes(training, stage) if fresh else 0)

    def _input_bytes(self, training: Training, stage: Stage) -> int:
        """The inputs that it learns from and is judged on, as numbers."""
        size = 8 if self.study.precision == "float64" else 4
        return sum(self._data_sizes(training, stage)) * prod(self._sample_shape) * size

    @cached_property
    def _sample_shape(self) -> tuple[int, ...]:
        """The shape of one input."""
        return input_shape(self.round_data.raw_round(min(self.search_rounds))[0])[1:]

    def _proposal_batch(self, training: Training, stage: Stage) -> int:
        """Candidates that are proposed at different times are not trained together."""
        if stage == "search" and self.study.search.method in ("tpe", "gp"):
            return training.candidate // self.study.search.batch
        return 0

    def _race_heat(self, training: Training, stage: Stage) -> Hashable:
        """Splits that a race comes to at different times are not trained together."""
        if stage == "search" and self.study.search.race:
            return training.round, race_heat(self.study, training.fold)
        return 0

    def _data_sizes(self, training: Training, stage: Stage) -> tuple[int, int]:
        """How many samples it learns from and is judged on; rounds differ in folds alone."""
        r = training.round if self.study.data.rounds == "folds" else min(training.round, 0)
        name = (stage == "search", r, training.fold)
        if name not in self._sizes:
            of = self.round_data
            learned, judged = of.raw_fold(r, training.fold) if name[0] else of.raw_final(r)
            self._sizes[name] = len(learned), len(judged)
        return self._sizes[name]


def select_settled(rows: Iterable[TrainingRecord]) -> list[TrainingRecord]:
    """The rows that a new run builds on: without those that failed, which it tries again.

    But what failed in a search stays so once a net was trained with what that search chose.
    """
    rows = list(rows)
    used = {(row.arm, row.round) for row in rows if row.stage == "final" and row.status != "failed"}
    used |= {(arm, SEARCH_ROUND) for arm, _ in used}
    return [
        row
        for row in rows
        if row.status != "failed" or (row.stage == "search" and (row.arm, row.round) in used)
    ]
