"""What a study found of one arm: its rounds, and the candidates of its search."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import mean, stdev
from typing import Any

from chainrule._util.plain_data import finite_or_none
from chainrule.recipes.errors import StudyError
from chainrule.study.results.failures import select_failures
from chainrule.study.search import selection
from chainrule.study.spec.sections import Reported
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingRecord, Value

__all__ = ["ArmResult", "Candidate", "build_arm_result", "list_candidates", "read_trivial_scores"]


@dataclass(frozen=True)
class Candidate:
    """A setting of an arm over the splits that judged it.

    ``values`` are the selecting metric on each split's validation part; a training that diverged
    or failed counts with the declared failure value. ``round`` is -1 for a search made once.
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
    declared failure value. ``rows`` are the final trainings behind them, ``settings`` what was
    chosen in each. ``n_failed`` rounds ended in an error: they are in none of these.
    ``solo_seconds`` is the time of one training run alone (None: not measured, or on another
    machine than that of the other arms, see :class:`Timings`);
    ``amortised_seconds`` the mean over the rounds of cohort time / cohort width.
    """

    arm: str
    metric: str
    values: Sequence[float]
    n_ok: int
    parameters: int
    rows: Sequence[TrainingRecord]
    solo_seconds: float | None
    factors: Mapping[str, str] = field(default_factory=dict)
    reported: Reported | None = None
    n_failed: int = 0

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
    def amortised_seconds(self) -> float:
        """The mean over the rounds of cohort time / cohort width."""
        return mean(row.seconds / row.cohort_size for row in self.rows)

    @property
    def settings(self) -> list[Mapping[str, Value]]:
        """What was chosen, one a round."""
        return [row.setting for row in self.rows]

    def select_rounds(self, rounds: Collection[int]) -> ArmResult:
        """The arm as if it had these rounds alone."""
        kept = [i for i, row in enumerate(self.rows) if row.round in rounds]
        rows = [self.rows[i] for i in kept]
        n_ok = sum(row.status == "done" for row in rows)
        return replace(self, values=[self.values[i] for i in kept], rows=rows, n_ok=n_ok)

    def select_predicted(self) -> ArmResult:
        """The arm as if it had the rounds alone of which predictions are kept."""
        return self.select_rounds({row.round for row in self.rows if row.predictions_digest})

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
            "mean": finite_or_none(self.mean),
            "std": finite_or_none(self.std),
            "n": self.n,
            "n_ok": self.n_ok,
            "n_failed": self.n_failed,
            "values": [finite_or_none(v) for v in self.values],
            "parameters": self.parameters,
            "solo_seconds": self.solo_seconds,
            "amortised_seconds": self.amortised_seconds,
            "cohort": max(row.cohort_size for row in self.rows),
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


def build_arm_result(
    study: Study, arm: Arm, rows: Sequence[TrainingRecord], solo_seconds: float | None
) -> ArmResult:
    """An arm of its final rows, and the time of one training alone, if it was timed."""
    n_failed = len(select_failures(rows))
    rows = sorted((r for r in rows if r.status != "failed"), key=lambda row: row.round)
    return ArmResult(
        arm=arm.name,
        metric=study.metric_name,
        values=[selection.metric_value(study, row) for row in rows],
        n_ok=sum(row.status == "done" for row in rows),
        parameters=rows[0].parameters,
        rows=rows,
        solo_seconds=solo_seconds,
        factors=arm.factors,
        reported=study.reported.get(arm.name),
        n_failed=n_failed,
    )


def list_candidates(study: Study, rows: Sequence[TrainingRecord]) -> list[Candidate]:
    """Every candidate of an arm's searches, whose rows these are, by round and candidate."""
    judged = selection.group_by_candidate(rows)
    best = {r: selection.best_candidate(study, found) for r, found in judged.items()}
    return [
        Candidate(
            arm=found[0].arm,
            index=index,
            round=r,
            setting=found[0].setting,
            values=[selection.metric_value(study, row) for row in found],
            n_ok=sum(row.has_value for row in found),
            chosen=index == best[r] and not selection.has_failed(found),
        )
        for r, each in judged.items()
        for index, found in each.items()
    ]


def read_trivial_scores(arms: Sequence[ArmResult]) -> dict[int, float]:
    """Round → the metric of the trivial answer, as the rows of final trainings have noted it."""
    known = [(row.round, row.metrics.get(f"trivial_{a.metric}")) for a in arms for row in a.rows]
    return {r: score for r, score in known if score is not None and math.isfinite(score)}
