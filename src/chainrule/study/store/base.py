"""What every store does, whatever it is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Self

from chainrule.errors import ChainruleError
from chainrule.study.store.predictions import Predictions
from chainrule.study.store.record import Stage, TrainingKey, TrainingRecord

__all__ = ["Store", "StoreError", "StudyRecord"]


class StoreError(ChainruleError, ValueError):
    """A store that cannot be used so; the message names it and says what is wrong."""

    def __init__(self, where: object, problem: str) -> None:
        super().__init__(f"{where}: {problem}")

    @classmethod
    def from_damage(cls, where: object, what: object) -> StoreError:
        """The error of a store whose content is not what was written."""
        return cls(where, f"is damaged: {what}; restore a copy, or move it away and run again")


@dataclass(frozen=True)
class StudyRecord:
    """A study in a store.

    ``digest`` names the declaration; ``provenance`` is where the study was begun, ``runs`` has
    that of each run, the first too; ``created``: UTC, ISO 8601; ``trainings``: rows it has.
    """

    id: int
    name: str
    digest: str
    declaration: dict[str, Any]
    provenance: dict[str, Any]
    created: str
    runs: list[dict[str, Any]] = field(default_factory=list)
    trainings: int = 0


class Store(ABC):
    """Studies and their rows; one process writes, any number read.

    Every record carries a digest of its content, which each reading verifies. Any method raises
    StoreError for a damaged store and OSError for a full disk or a lost server; a method that
    fails has changed nothing.

    The declaration and the provenance come back as JSON gives them: a tuple as a list. A store
    is used by the thread that opened it, and is not carried into a forked process.
    """

    @property
    @abstractmethod
    def address(self) -> str | None:
        """What opens the same store once more, its password too; None for one in memory."""

    @abstractmethod
    def studies(self) -> list[StudyRecord]:
        """Every study, the oldest first."""

    @abstractmethod
    def find(self, digest: str) -> StudyRecord | None:
        """The study with this digest."""

    @abstractmethod
    def open_study(
        self,
        name: str,
        digest: str,
        declaration: Mapping[str, Any],
        provenance: Mapping[str, Any],
        rows: Sequence[TrainingRecord] = (),
    ) -> StudyRecord:
        """The study with this digest, a new one where there is none, and rows of it: all or none.

        A study that is entered with its first rows is never in the store without any.
        """

    @abstractmethod
    def update(
        self,
        study_id: int,
        declaration: Mapping[str, Any],
        provenance: Mapping[str, Any],
        *,
        digest: str | None = None,
        rows: Sequence[TrainingRecord] = (),
    ) -> StudyRecord:
        """Extend a study: another declaration, under another digest where one is given, and rows.

        The provenance joins the runs. Raises StoreError where another study has the digest.
        """

    @abstractmethod
    def add_run(self, study_id: int, provenance: Mapping[str, Any]) -> StudyRecord:
        """Keep the provenance of a run; what is that of the last one is not kept twice."""

    @abstractmethod
    def add(self, study_id: int, rows: Sequence[TrainingRecord]) -> None:
        """Keep rows, all or none; when this returns they outlive a power cut.

        Of two rows with one key the one that came first stays, as it is, unless it had failed.
        """

    @abstractmethod
    def remove(self, study_id: int) -> None:
        """Remove a study and its rows, for ever. Raises StoreError where there is none of this id.

        Hold the run_lock, so that nobody adds to it meanwhile.
        """

    @abstractmethod
    def rows(
        self,
        study_id: int,
        *,
        arm: str | None = None,
        stage: Stage | None = None,
        curves: bool = False,
        predictions: bool = False,
    ) -> list[TrainingRecord]:
        """The rows of a study in the order of their keys; with their curves on request only.

        So too with the bytes of their ``predictions``: to be kept elsewhere.
        """

    @abstractmethod
    def predictions(
        self, study_id: int, *, arm: str | None = None, stage: Stage | None = None
    ) -> dict[TrainingKey, Predictions]:
        """Those that are kept, of one arm or stage if given, in the order of their keys."""

    def keys(self, study_id: int) -> set[TrainingKey]:
        """What is done. Of verified rows, for what is named here is not trained again."""
        return {row.key for row in self.rows(study_id)}

    @abstractmethod
    def run_lock(self) -> AbstractContextManager[None]:
        """Hold the right to run studies on this store.

        Raises StoreError at once where another process holds it. The system takes it back from
        a process that ends, however it ends; a forked child would keep it: start workers by
        spawning.
        """

    @abstractmethod
    def run_holder(self) -> str:
        """Which process holds it now, as it named itself; "" where none does."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the store; closing twice is allowed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
