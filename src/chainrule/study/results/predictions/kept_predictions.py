"""The predictions that a store keeps of a study, read when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

from chainrule.recipes.errors import StudyError
from chainrule.study.store import Store, open_store
from chainrule.study.store.predictions import Predictions
from chainrule.study.store.record import Stage, TrainingKey, TrainingRecord

__all__ = ["KeptPredictions", "choose_round", "find_predictions"]


@final
@dataclass(frozen=True)
class KeptPredictions:
    """The predictions of a study in the store at an address: an arm's are read together, once.

    ``loaded``: (arm, stage) → those that were; all of them where the store was in memory.
    """

    address: str | None
    study_id: int
    loaded: dict[tuple[str, Stage], Mapping[TrainingKey, Predictions]] = field(default_factory=dict)

    def finals(self, arm: str) -> dict[int, Predictions]:
        """Round → those of the arm's net on the test set."""
        return {key.round: found for key, found in self._load(arm, "final").items()}

    def searches(self, arm: str) -> dict[tuple[int, int, int], Predictions]:
        """(round, candidate, fold) → those on the validation part."""
        found = self._load(arm, "search")
        return {(key.round, key.candidate, key.fold): one for key, one in found.items()}

    def _load(self, arm: str, stage: Stage) -> Mapping[TrainingKey, Predictions]:
        if (arm, stage) not in self.loaded:
            if self.address is None:
                return {}
            with open_store(self.address, read_only=True) as store:
                self.loaded[arm, stage] = store.predictions(self.study_id, arm=arm, stage=stage)
        return self.loaded[arm, stage]


def choose_round(found: Mapping[int, Predictions], r: int, whose: str, study: str) -> Predictions:
    """Those of round r. Raises StudyError, which says how they are kept, where there are none."""
    if r not in found:
        known = ", ".join(map(str, found)) or "none"
        raise StudyError(
            f"{whose}: no predictions of round {r}; rounds with predictions: {known}. They are "
            f"kept of what is trained with chainrule run {study} --keep predictions"
        )
    return found[r]


def find_predictions(
    store: Store, study_id: int, rows: Sequence[TrainingRecord]
) -> KeptPredictions | None:
    """A way to the predictions of these rows of a store; None where none are kept."""
    kept = {(row.arm, row.stage) for row in rows if row.predictions_digest}
    if not kept:
        return None
    found = KeptPredictions(store.address, study_id)
    if store.address is None:  # what is in memory is gone when it is closed
        for arm, stage in kept:
            found.loaded[arm, stage] = store.predictions(study_id, arm=arm, stage=stage)
    return found
