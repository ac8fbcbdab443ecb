"""What a study found: its rows, read as arms, candidates, tables and comparisons."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from chainrule.data import Dataset
from chainrule.study import selection
from chainrule.study.arms import Arm
from chainrule.study.declaration import Reported, Study
from chainrule.study.enrol import declared_in
from chainrule.study.parts import StudyError
from chainrule.study.row import Row, Value
from chainrule.study.samples import Samples
from chainrule.study.statistics import (
    Comparisons,
    Design,
    Effects,
    FixedSplit,
    FreshData,
    Resplits,
    compare,
    factorial,
)
from chainrule.study.store import Store, StoreError

if TYPE_CHECKING:
    import pandas as pd

    from chainrule.report import Plots

__all__ = ["ArmResult", "Candidate", "StudyResult", "result_of"]


@dataclass(frozen=True)
class Candidate:
    """A setting of an arm over the splits that judged it.

    ``values`` are the selecting metric on each split's validation part; a training that diverged
    counts with the declared worst value. ``round`` is -1 for a search made once.
    """

    arm: str
    index: int
    round: int
    setting: Mapping[str, Value]
    values: Sequence[float]
    n_ok: int
    chosen: bool

    @property
    def mean(self) -> float:
        """The mean over the splits; it selects."""
        return mean(self.values)

    def as_row(self) -> dict[str, Any]:
        """The row as JSON data."""
        return {
            "arm": self.arm,
            "candidate": self.index,
            "round": None if self.round < 0 else self.round,
            **self.setting,
            "validation": self.mean,
            "n": len(self.values),
            "n_ok": self.n_ok,
            "chosen": self.chosen,
        }


@dataclass(frozen=True)
class ArmResult:
    """An arm over its rounds, in the order of the rounds.

    ``values`` are the metric on the test set, one a round; a round that diverged counts with the
    declared worst value. ``rows`` are the final trainings behind them, ``settings`` what was
    chosen in each. ``solo_seconds`` is the time of one training run alone (None: not measured);
    ``amortised_seconds`` the mean over the rounds of cohort time / cohort width.
    """

    arm: str
    metric: str
    values: Sequence[float]
    n_ok: int
    parameters: int
    rows: Sequence[Row]
    solo_seconds: float | None
    factors: Mapping[str, str] = field(default_factory=dict)
    reported: Reported | None = None

    @property
    def n(self) -> int:
        """The number of rounds that are done."""
        return len(self.values)

    @property
    def mean(self) -> float:
        """The mean over the rounds."""
        return mean(self.values)

    @property
    def std(self) -> float:
        """The standard deviation over the rounds (ddof = 1); nan for a single one."""
        if self.n < 2 or not all(map(math.isfinite, self.values)):
            return math.nan
        return stdev(self.values)

    @property
    def standard_error(self) -> float:
        """Of the mean: std / √n."""
        return self.std / math.sqrt(self.n)

    @property
    def amortised_seconds(self) -> float:
        """The mean over the rounds of cohort time / cohort width."""
        return mean(row.seconds / row.width for row in self.rows)

    @property
    def settings(self) -> list[Mapping[str, Value]]:
        """What was chosen, one a round."""
        return [row.setting for row in self.rows]

    def curves(self, name: str) -> list[list[float]]:
        """A curve (``test_loss``, ``train_accuracy``) of each round, a value an epoch.

        Raises StudyError, which lists them, where there is no such curve.
        """
        if unknown := [row for row in self.rows if name not in row.curves]:
            known = ", ".join(unknown[0].curves) or "none"
            raise StudyError(f"arm {self.arm}: no curve {name!r}; curves: {known}")
        return [list(row.curves[name]) for row in self.rows]

    def as_row(self) -> dict[str, Any]:
        """The row as JSON data; what is not known is null."""
        row: dict[str, Any] = {
            "arm": self.arm,
            "metric": self.metric,
            "mean": _known(self.mean),
            "std": _known(self.std),
            "n": self.n,
            "n_ok": self.n_ok,
            "values": [_known(v) for v in self.values],
            "parameters": self.parameters,
            "solo_seconds": self.solo_seconds,
            "amortised_seconds": self.amortised_seconds,
            "cohort": max(row.width for row in self.rows),
            "epochs": max(row.epochs for row in self.rows),
            "setting": dict(self.settings[0]) if self.same_setting else None,
        }
        if self.reported is not None:
            row["reported"] = {"mean": self.reported.mean, "std": self.reported.std}
        return row

    @property
    def same_setting(self) -> bool:
        """Whether every round was trained with the same setting."""
        return all(setting == self.settings[0] for setting in self.settings)


@dataclass(frozen=True)
class StudyResult:
    """The rows of a study so far, and what they say.

    ``runs`` are the provenances of the runs that made them; ``interrupted``: the last run was
    ended early. Arms without a final row yet are left out of ``arms``.
    """

    study: Study
    rows: Sequence[Row]
    runs: Sequence[Mapping[str, Any]] = ()
    interrupted: bool = False

    @cached_property
    def arms(self) -> list[ArmResult]:
        """The arms that have results, in the declared order."""
        by_arm = {arm.name: self._of(arm.name, "final") for arm in self.study.all_arms}
        return [self._arm(arm, by_arm[arm.name]) for arm in self.study.all_arms if by_arm[arm.name]]

    def arm(self, name: str) -> ArmResult:
        """The arm of this name. Raises StudyError where it has no results."""
        for arm in self.arms:
            if arm.arm == name:
                return arm
        known = ", ".join(arm.arm for arm in self.arms) or "none yet"
        raise StudyError(f"study {self.study.name}: no results of arm {name!r}; there are: {known}")

    def _of(self, arm: str, stage: str) -> list[Row]:
        return [row for row in self.rows if row.arm == arm and row.stage == stage]

    def _arm(self, arm: Arm, rows: Sequence[Row]) -> ArmResult:
        rows = sorted(rows, key=lambda row: row.round)
        solo = self._of(arm.name, "solo")
        return ArmResult(
            arm=arm.name,
            metric=self.study.metric_name,
            values=[selection.value(self.study, row) for row in rows],
            n_ok=sum(row.status == "done" for row in rows),
            parameters=rows[0].parameters,
            rows=rows,
            solo_seconds=solo[0].seconds if solo else None,
            factors=arm.factors,
            reported=self.study.reported.get(arm.name),
        )

    def candidates(self, arm: str) -> list[Candidate]:
        """Every candidate of an arm's search, in the order of rounds and candidates."""
        judged = selection.judge(self._of(arm, "search"))
        best = {r: selection.best(self.study, rows) for r, rows in judged.items()}
        return [
            Candidate(
                arm=arm,
                index=index,
                round=r,
                setting=rows[0].setting,
                values=[selection.value(self.study, row) for row in rows],
                n_ok=sum(row.status != "diverged" for row in rows),
                chosen=index == best[r],
            )
            for r, of in judged.items()
            for index, rows in of.items()
        ]

    def data(self, r: int) -> tuple[Dataset, Dataset]:
        """(training set, test set) of a round, made anew as the study declares them."""
        return self._samples.final(r)

    @cached_property
    def _samples(self) -> Samples:
        return Samples(self.study)

    @property
    def done(self) -> bool:
        """Whether every arm has all its rounds."""
        rounds = {arm.arm: arm.n for arm in self.arms}
        return all(rounds.get(a.name, 0) >= self.study.rounds for a in self.study.all_arms)

    @property
    def design(self) -> Design:
        """How the rounds came about; it decides the test. Raises StudyError before there is one."""
        data = self.study.data
        if data.rounds == "fresh":
            return FreshData()
        if data.rounds == "fixed":
            return FixedSplit()
        if data.rounds == "folds":
            return Resplits.folds(data.folds)
        if not self.arms:
            raise StudyError(f"study {self.study.name}: no round is done yet")
        row = self.arms[0].rows[0]
        return Resplits(n_test=row.n_test, n_train=row.n_train)

    def compare(self, *, baseline: str | None = None, all_pairs: bool = False) -> Comparisons:
        """Every arm against the baseline (the declared one unless said), or all pairs.

        Over the rounds that all arms have; larger is better (a loss is negated). Raises
        StatisticsError where there is too little to compare.
        """
        wanted = None if all_pairs else baseline or self.study.baseline
        return compare(
            self._scores(), self.design, baseline=wanted, rope=self.study.rope, seed=self.study.seed
        )

    def effects(self) -> Effects:
        """Main effects and interactions of the factors, as :func:`statistics.factorial`."""
        factors = {arm.arm: arm.factors for arm in self.arms}
        return factorial(self._scores(), factors, self.design)

    def _scores(self) -> dict[str, list[float]]:
        sign = 1.0 if self.study.goal == "max" else -1.0
        done = [{row.round for row in arm.rows} for arm in self.arms]
        rounds = set.intersection(*done) if done else set()
        return {
            arm.arm: [
                sign * v for v, row in zip(arm.values, arm.rows, strict=True) if row.round in rounds
            ]
            for arm in self.arms
        }

    def as_rows(self) -> list[dict[str, Any]]:
        """A row an arm, as JSON data."""
        return [arm.as_row() for arm in self.arms]

    @property
    def plot(self) -> Plots:
        """Its figures: ``result.plot.boxes()``, ``.curves()``, ``.curve_grid()``, …"""
        from chainrule.report import Plots

        return Plots(self)

    def table(self) -> pd.DataFrame:
        """A row an arm as a data frame. Needs ``chainrule[pandas]``."""
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("pandas is missing: pip install 'chainrule[pandas]'") from error
        return pd.DataFrame(self.as_rows())


def result_of(store: Store, study_id: int, *, interrupted: bool = False) -> StudyResult:
    """What a store has of a study. Raises StoreError where it is damaged or has none of this id."""
    for record in store.studies():
        if record.id == study_id:
            rows = store.rows(study_id, curves=True)
            return StudyResult(declared_in(record), rows, record.runs, interrupted)
    raise StoreError("this store", f"has no study {study_id}")


def _known(x: float) -> float | None:
    return x if math.isfinite(x) else None
