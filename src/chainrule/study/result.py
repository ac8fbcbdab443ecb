"""What a study found: one row an arm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from chainrule.study.declaration import Reported
from chainrule.train import History

__all__ = ["ArmResult", "StudyResult"]


@dataclass(frozen=True)
class ArmResult:
    """An arm over its rounds.

    ``values`` are the metric on the test set, one a round, as fractions; a round that diverged
    counts with the worst value, 0. ``solo_seconds`` is the time of one round trained alone,
    ``cohort_seconds`` that of all rounds trained at once.
    """

    arm: str
    metric: str
    values: Sequence[float]
    n_ok: int
    parameters: int
    solo_seconds: float
    cohort_seconds: float
    history: History
    reported: Reported | None = None

    @property
    def n(self) -> int:
        """The number of rounds."""
        return len(self.values)

    @property
    def mean(self) -> float:
        """The mean over the rounds."""
        return mean(self.values)

    @property
    def std(self) -> float:
        """The standard deviation over the rounds (ddof = 1); nan for a single one."""
        return stdev(self.values) if self.n > 1 else math.nan

    @property
    def amortised_seconds(self) -> float:
        """The cohort's time for one round of it."""
        return self.cohort_seconds / self.n

    def as_row(self) -> dict[str, Any]:
        """The row as JSON data; a std that is not known is null."""
        row = {
            "arm": self.arm,
            "metric": self.metric,
            "mean": self.mean,
            "std": None if math.isnan(self.std) else self.std,
            "n": self.n,
            "n_ok": self.n_ok,
            "values": list(self.values),
            "parameters": self.parameters,
            "solo_seconds": self.solo_seconds,
            "amortised_seconds": self.amortised_seconds,
            "cohort": self.n,
        }
        if self.reported is not None:
            row["reported"] = {"mean": self.reported.mean, "std": self.reported.std}
        return row


@dataclass(frozen=True)
class StudyResult:
    """All arms of a run; ``interrupted`` where it was ended early and arms are missing."""

    study: str
    rounds: int
    epochs: int
    seed: int
    arms: Sequence[ArmResult]
    interrupted: bool = False

    def as_rows(self) -> list[dict[str, Any]]:
        """A row an arm, as JSON data."""
        return [arm.as_row() for arm in self.arms]
