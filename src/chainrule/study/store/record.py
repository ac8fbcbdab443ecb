"""A row of a study: one training, what it was and what it gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

__all__ = ["SEARCH_ROUND", "STUCK", "Stage", "Status", "TrainingKey", "TrainingRecord", "Value"]

Value = float | int | str | bool
"""What one entry of a setting may be."""

Stage = Literal["search", "final", "timing"]
"""What a training is for: to choose a setting, to assess the chosen one, or to be timed alone."""

Status = Literal["done", "diverged", "stopped", "failed"]
"""How a training ended; ``stopped``: by successive halving, before its last epoch; ``failed``: by
an error, which its note tells; the next run tries it again."""

STUCK = "stuck"
"""What the note of a row begins with whose training ended worse than a constant, and did not move.

Its numbers are those of a net, and count as they are."""

SEARCH_ROUND = -1
"""The round of a search that is made once for the whole study, on data of its own."""


class TrainingKey(NamedTuple):
    """What names a training within a study."""

    arm: str
    stage: Stage
    candidate: int
    round: int
    fold: int


@dataclass(frozen=True)
class TrainingRecord:
    """One training.

    - ``setting``: path → value, what the candidate sets (``{"optimizer.lr": 0.001}``).
    - ``metrics``: name → value after the last epoch; on the validation part for a search, on the
      test set else, ``train_…`` on the training batches. Not finite where it diverged, none where
      it failed.
    - ``curves``: name → a value after each epoch.
    - ``cohort_size``: trainings in its cohort; ``seconds``: from the first step of the cohort to
      the last, or so many times its share of the program that it was in.
    - ``parameters``: numbers learned by one net; ``seeds``: purpose → seed; ``n_train``,
      ``n_test``: samples learned from, and judged on.
    - ``samples``: ``learned`` and ``judged`` → a digest of these samples, as they were drawn; rows
      of older versions have none.
    - ``backend``: which way it was computed, and why where that is not the kernel; ``kernel``: the
      key of the kernel that took part, which names its vectors' width. "" in rows from before
      this was recorded.
    - ``training_version``: how many changes of what a training gives were behind it, see
      ``TRAINING_VERSION``; 0 before this was recorded. The record of the run names its versions.
    - ``machine``: what the worker runs with where that may be another machine than the driver's,
      and of a training that is timed alone; see ``WorkerInfo``. Else the record of the run has it.
    - ``finished``: UTC, ISO 8601; ``worker``: host and process id.
    - ``predictions``: where they are kept, as :func:`encode_predictions` writes them; a store hands
      them back by themselves, and here their digest alone.
    """

    arm: str
    stage: Stage
    candidate: int
    round: int
    fold: int
    status: Status
    setting: Mapping[str, Value]
    metrics: Mapping[str, float]
    epochs: int
    seconds: float
    cohort_size: int
    parameters: int
    n_train: int
    n_test: int
    seeds: Mapping[str, int]
    finished: str = ""
    worker: str = ""
    note: str = ""
    samples: Mapping[str, str] = field(default_factory=dict)
    backend: str = ""
    kernel: str = ""
    training_version: int = 0
    machine: Mapping[str, str] = field(default_factory=dict)
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    predictions: bytes = field(default=b"", repr=False)
    predictions_digest: str = ""

    @property
    def key(self) -> TrainingKey:
        """What names this training within its study."""
        return TrainingKey(self.arm, self.stage, self.candidate, self.round, self.fold)

    @property
    def is_stuck(self) -> bool:
        """Whether it ended worse than a constant answer, and did not move; its note says more."""
        return self.status != "failed" and self.note.startswith(STUCK)

    @property
    def has_value(self) -> bool:
        """Whether its metrics are those of a net: it neither diverged nor failed."""
        return self.status not in ("diverged", "failed")
