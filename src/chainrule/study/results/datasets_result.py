"""What a study over several data sets found: a result of each, and the arms over all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from chainrule import statistics
from chainrule._util.argument_checks import check_arguments
from chainrule._util.display import ShownAsTable
from chainrule._util.suggest import did_you_mean
from chainrule.recipes.errors import StudyError
from chainrule.study.results.arm_result import ArmResult
from chainrule.study.results.study_result import StudyResult, load_result
from chainrule.study.results.summary import order_by_last_run
from chainrule.study.spec.sections import PartOf
from chainrule.study.spec.stored import read_declaration
from chainrule.study.spec.study import Study
from chainrule.study.store import Store, StudyRecord
from chainrule.study.store.record import TrainingRecord

__all__ = ["DatasetsResult", "list_parts", "load_datasets_result"]


@dataclass(frozen=True, repr=False)
class DatasetsResult(ShownAsTable, columns=("dataset", "arm", "mean", "std", "n")):
    """The results of a study, one a data set, in the declared order.

    ``datasets`` are those that have been begun, ``declared`` the names of all; ``interrupted``: the
    last run was ended early.
    """

    name: str
    datasets: Mapping[str, StudyResult]
    declared: Sequence[str]
    interrupted: bool = False

    def __post_init__(self) -> None:
        if not self.datasets:
            raise StudyError(f"study {self.name}: no data set is begun yet")

    @property
    def study(self) -> Study:
        """The study over the first data set: what all have in common, but data and sizes."""
        return next(iter(self.datasets.values())).study

    def __getitem__(self, name: str) -> StudyResult:
        """The result of one data set. Raises StudyError, which lists them, for another name."""
        if name in self.datasets:
            return self.datasets[name]
        hint = did_you_mean(name, self.declared)
        known = ", ".join(self.datasets)
        raise StudyError(
            f"study {self.name}: no results of data set {name!r}; {hint}there: {known}"
        )

    @property
    def is_complete(self) -> bool:
        """Whether every arm has all its rounds on every data set."""
        done = [name for name, result in self.datasets.items() if result.is_complete]
        return done == [*self.declared]

    @property
    def rows(self) -> list[TrainingRecord]:
        """Of all data sets."""
        return [row for result in self.datasets.values() for row in result.rows]

    @property
    def failures(self) -> list[TrainingRecord]:
        """The trainings that an error ended, on any data set."""
        return [row for result in self.datasets.values() for row in result.failures]

    @property
    def arms(self) -> list[str]:
        """Those that have results on a data set, in the declared order."""
        found = {arm.arm for result in self.datasets.values() for arm in result.arms}
        return [arm.name for arm in self.study.all_arms if arm.name in found]

    @cached_property
    def compared_arms(self) -> Mapping[str, Mapping[str, ArmResult]]:
        """Data set → arm → its rounds, of the data sets on which each of ``arms`` has some.

        Over the rounds that all arms have there.
        """
        by_name = {
            name: {arm.arm: arm for arm in result.common_arms}
            for name, result in self.datasets.items()
        }
        names = {*self.arms}
        return {
            name: arms
            for name, arms in by_name.items()
            if arms.keys() == names and all(arm.n for arm in arms.values())
        }

    @property
    def left_out(self) -> list[str]:
        """The declared data sets that are not compared: an arm has no round there."""
        return [name for name in self.declared if name not in self.compared_arms]

    @check_arguments
    def compare(
        self, *, baseline: str | None = None, all_pairs: bool = False
    ) -> statistics.DatasetsComparisons:
        """Every arm against the baseline (the declared one unless said), or all pairs.

        Over the data sets of ``compared_arms``; larger is better (a loss is negated). Raises
        StatisticsError where there is too little to compare, StudyError where a round that
        diverged would beat one that did not.
        """
        for name, result in self.datasets.items():
            if problem := result.failure_problem:
                raise StudyError(f"data set {name}: {problem}")
        sign = 1.0 if self.study.direction == "max" else -1.0
        scores = {
            arm: [[sign * x for x in of[arm].values] for of in self.compared_arms.values()]
            for arm in self.arms
        }
        return statistics.compare_over_datasets(
            scores,
            [self.datasets[name].design for name in self.compared_arms],
            baseline=None if all_pairs else self.study.baseline if baseline is None else baseline,
            rope=self.study.rope,
        )

    @cached_property
    def comparisons(self) -> statistics.DatasetsComparisons:
        """The declared ones, see :meth:`compare`."""
        return self.compare()

    def as_rows(self) -> list[dict[str, Any]]:
        """A row a data set and arm, as JSON data."""
        return [
            {"dataset": name, **row}
            for name, result in self.datasets.items()
            for row in result.as_rows()
        ]


def list_parts(records: Sequence[StudyRecord]) -> list[tuple[PartOf, StudyRecord]]:
    """(of what study, the record) of each that has rows and is a part of a study, the last run
    last.
    """
    ordered = order_by_last_run(record for record in records if record.trainings)
    parts = [(read_declaration(record).part_of, record) for record in ordered]
    return [(of, record) for of, record in parts if of is not None]


@check_arguments
def load_datasets_result(store: Store, digest: str) -> DatasetsResult:
    """What a store has of the study over several data sets that has this digest.

    Raises StudyError where it has none of it, StoreError where it is damaged.
    """
    parts = [(of, record) for of, record in list_parts(store.studies()) if of.digest == digest]
    if not parts:
        raise StudyError(f"no study over several data sets has the digest {digest}")
    results = {of.dataset: load_result(store, record.id) for of, record in parts}
    of = parts[0][0]
    ordered = {name: results[name] for name in of.datasets if name in results}
    return DatasetsResult(of.study, ordered, of.datasets)
