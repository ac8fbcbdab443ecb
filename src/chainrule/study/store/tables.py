"""A store as tables: all that does not depend on which database holds them."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from chainrule._util.words import count_noun
from chainrule.study.store.base import Store, StoreError, StudyRecord
from chainrule.study.store.encoding import (
    canonical_json,
    checksum,
    decode_row,
    decode_study,
    encode_row,
    upgrade_row,
    verify_predictions,
)
from chainrule.study.store.predictions import Predictions, decode_predictions
from chainrule.study.store.record import Stage, TrainingKey, TrainingRecord

__all__ = ["FORMAT", "PREDICTIONS_FORMAT", "TableStore"]

FORMAT = 3
"""The number of the format that is written; every lower one is read.

1: fields of a row, and its stages, had other names; see encoding. 2: no table of predictions.
"""

PREDICTIONS_FORMAT = 3
"""The first format with a table of predictions."""

STUDY = "SELECT id, digest, content, trainings, seal FROM study"
STUDY_BY_ID = f"{STUDY} WHERE id = :id"
STUDY_BY_DIGEST = f"{STUDY} WHERE digest = :digest"
STUDIES = f"{STUDY} ORDER BY id"
NEW_STUDY = (
    "INSERT INTO study (id, digest, content, trainings, seal)"
    " VALUES (:id, :digest, :content, :trainings, :seal)"
)
CHANGE_STUDY = (
    "UPDATE study SET digest = :digest, content = :content, trainings = :trainings, seal = :seal"
    " WHERE id = :id"
)
LAST_STUDY = "SELECT coalesce(max(id), 0) FROM study"
LAST_TRAINING = "SELECT coalesce(max(id), 0) FROM training"
NEW_TRAINING = (
    "INSERT INTO training (study, arm, stage, candidate, round, fold, content, seal)"
    " VALUES (:study, :arm, :stage, :candidate, :round, :fold, :content, :seal)"
    " ON CONFLICT (study, arm, stage, candidate, round, fold) DO NOTHING"
)
ADDED = "SELECT id, arm, stage, candidate, round, fold FROM training WHERE id > :last"
NEW_CURVE = "INSERT INTO curve (training, data) VALUES (:training, :data)"
NEW_PREDICTION = "INSERT INTO prediction (training, data) VALUES (:training, :data)"
PREDICTIONS = (
    "SELECT arm, stage, candidate, round, fold, content, seal, data FROM training"
    " LEFT JOIN prediction ON prediction.training = training.id"
    " WHERE study = :study AND arm = coalesce(:arm, arm) AND stage = coalesce(:stage, stage)"
)
COUNT = "SELECT count(*) FROM training WHERE study = :study"
ROWS = (
    "SELECT arm, stage, candidate, round, fold, content, seal, NULL FROM training"
    " WHERE study = :study AND arm = coalesce(:arm, arm)"
)
ROWS_WITH_CURVES = (
    "SELECT arm, stage, candidate, round, fold, content, seal, data FROM training"
    " LEFT JOIN curve ON curve.training = training.id"
    " WHERE study = :study AND arm = coalesce(:arm, arm)"
)
FAILED = (
    "SELECT id FROM training WHERE study = :study AND arm = :arm AND stage = :stage"
    " AND candidate = :candidate AND round = :round AND fold = :fold AND content LIKE :text"
)
FAILED_TEXT = '%"status":"failed"%'
"""In the text of a failed row and of no other: within a note or a setting quotes are escaped."""
REMOVE_TRAINING = "DELETE FROM training WHERE id = :id"
REMOVE_STUDY = (
    "DELETE FROM prediction WHERE training IN (SELECT id FROM training WHERE study = :id)",
    "DELETE FROM curve WHERE training IN (SELECT id FROM training WHERE study = :id)",
    "DELETE FROM training WHERE study = :id",
    "DELETE FROM study WHERE id = :id",
)
ALL_ROWS = "SELECT id, study, arm, stage, candidate, round, fold, content, seal FROM training"
CHANGE_ROW = "UPDATE training SET stage = :stage, content = :content, seal = :seal WHERE id = :id"


class TableStore(Store):
    """Tables: study, training (a row of a study), and of a training its curve and prediction.

    A study's record counts its trainings, so a lost one is missed. A subclass says how to reach
    the database: the statements are the same for all.
    """

    where: str
    """How messages name the store."""

    @abstractmethod
    def transaction(self, write: bool = False) -> AbstractContextManager[None]:
        """All or nothing; one state throughout; a writing one excludes other writers.

        Errors of the database leave it as StoreError or OSError.
        """

    @abstractmethod
    def fetch_all(self, sql: str, **values: Any) -> Sequence[Sequence[Any]]:
        """What a query with :named values selects."""

    @abstractmethod
    def execute_many(self, sql: str, values: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement for each of the values."""

    @abstractmethod
    def read_format(self) -> int:
        """The number of the format that the store has."""

    @abstractmethod
    def write_format(self) -> None:
        """Give the store the number of this format."""

    @abstractmethod
    def create_tables(self) -> None:
        """Make the tables that are not there yet."""

    def studies(self) -> list[StudyRecord]:
        with self.transaction():
            return [decode_study(self.where, found) for found in self.fetch_all(STUDIES)]

    def find(self, digest: str) -> StudyRecord | None:
        with self.transaction():
            return self._find_study(digest)

    def open_study(
        self,
        name: str,
        digest: str,
        declaration: Mapping[str, Any],
        provenance: Mapping[str, Any],
        rows: Sequence[TrainingRecord] = (),
    ) -> StudyRecord:
        if not rows and (known := self.find(digest)) is not None:
            return known
        content = {
            "name": name,
            "declaration": declaration,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "runs": [provenance],
        }
        with self.transaction(write=True):
            record = self._find_study(digest)
            if record is None:  # else another process was faster
                number = self.fetch_all(LAST_STUDY)[0][0] + 1
                record = self._write_study(NEW_STUDY, number, digest, _study_text(content), 0)
            return self._add_rows(record.id, rows) if rows else record

    def update(
        self,
        study_id: int,
        declaration: Mapping[str, Any],
        provenance: Mapping[str, Any],
        *,
        digest: str | None = None,
        rows: Sequence[TrainingRecord] = (),
    ) -> StudyRecord:
        with self.transaction(write=True):
            record = self._update_study(study_id, provenance, declaration, digest)
            return self._add_rows(study_id, rows) if rows else record

    def add_run(self, study_id: int, provenance: Mapping[str, Any]) -> StudyRecord:
        with self.transaction(write=True):
            return self._update_study(study_id, provenance)

    def add(self, study_id: int, rows: Sequence[TrainingRecord]) -> None:
        with self.transaction(write=True):
            self._add_rows(study_id, rows)

    def remove(self, study_id: int) -> None:
        with self.transaction(write=True):
            self._study_columns(study_id)
            for statement in REMOVE_STUDY:
                self.execute_many(statement, [{"id": study_id}])

    def rows(
        self,
        study_id: int,
        *,
        arm: str | None = None,
        stage: Stage | None = None,
        curves: bool = False,
        predictions: bool = False,
    ) -> list[TrainingRecord]:
        query = ROWS_WITH_CURVES if curves else ROWS
        with self.transaction():
            trainings = self._study_columns(study_id)[3]
            counted = self.fetch_all(COUNT, study=study_id)[0][0]
            found = self.fetch_all(query, study=study_id, arm=arm)
        if counted != trainings or (arm is None and len(found) != trainings):
            raise StoreError.from_damage(
                self.where,
                f"study {study_id} has {count_noun(counted, 'row')} instead of {trainings}",
            )
        rows = [decode_row(self.where, study_id, columns, curves=curves) for columns in found]
        if predictions:
            kept = fetch_predictions(self, study_id, arm, stage)
            rows = [replace(row, predictions=kept.get(row.key, b"")) for row in rows]
        return sorted((row for row in rows if stage in (None, row.stage)), key=lambda row: row.key)

    def predictions(
        self, study_id: int, *, arm: str | None = None, stage: Stage | None = None
    ) -> dict[TrainingKey, Predictions]:
        found = fetch_predictions(self, study_id, arm, stage)
        return {key: decode_predictions(data) for key, data in sorted(found.items())}

    def _drop_failed(self, study_id: int, keys: Collection[TrainingKey]) -> int:
        """Make room for rows that take the place of failed ones; returns how many those were."""
        name = {"study": study_id, "text": FAILED_TEXT}
        gone = [
            {"id": number}
            for key in keys
            for (number,) in self.fetch_all(FAILED, **name, **key._asdict())
        ]
        self.execute_many(REMOVE_TRAINING, gone)
        return len(gone)

    def _add_rows(self, study_id: int, rows: Sequence[TrainingRecord]) -> StudyRecord:
        """Add rows within a transaction that writes, by as many statements as one row takes."""
        encoded = {row.key: (*encode_row(study_id, row), row.predictions) for row in reversed(rows)}
        _, digest, content, trainings, _ = self._study_columns(study_id)
        added = insert_rows(self, [columns for columns, *_ in encoded.values()])
        if there := encoded.keys() - added.keys():
            gone = self._drop_failed(study_id, there)
            added |= insert_rows(self, [encoded[key][0] for key in there] if gone else [])
            trainings -= gone
        for statement, part in ((NEW_CURVE, 1), (NEW_PREDICTION, 2)):
            of = {number: encoded[key][part] for key, number in added.items()}
            self.execute_many(statement, [{"training": n, "data": d} for n, d in of.items() if d])
        return self._write_study(CHANGE_STUDY, study_id, digest, content, trainings + len(added))

    def _upgrade(self) -> None:
        """Write what a lower format has in this one: all of it or nothing."""
        with self.transaction():
            current = self.read_format() == FORMAT
        if not current:
            with self.transaction(write=True):
                if self.read_format() < FORMAT:  # else another process was faster
                    upgrade_tables(self)

    def _find_study(self, digest: str) -> StudyRecord | None:
        found = self.fetch_all(STUDY_BY_DIGEST, digest=digest)
        return decode_study(self.where, found[0]) if found else None

    def _study_columns(self, number: int) -> Sequence[Any]:
        """The verified columns of a study."""
        found = self.fetch_all(STUDY_BY_ID, id=number)
        if not found:
            raise StoreError(self.where, f"has no study {number}")
        decode_study(self.where, found[0])
        return found[0]

    def _update_study(
        self,
        number: int,
        provenance: Mapping[str, Any],
        declaration: Mapping[str, Any] | None = None,
        digest: str | None = None,
    ) -> StudyRecord:
        """One more run, and another declaration where one is given."""
        _, old, content, trainings, _ = self._study_columns(number)
        values = json.loads(content)
        if values["runs"][-1] != json.loads(_study_text(provenance)):
            values["runs"].append(provenance)
        if declaration is not None:
            values["declaration"] = declaration
        if digest not in (None, old) and self._find_study(digest) is not None:
            raise StoreError(self.where, f"another study has the digest {digest}")
        return self._write_study(
            CHANGE_STUDY, number, digest or old, _study_text(values), trainings
        )

    def _write_study(
        self, statement: str, number: int, digest: str, content: str, trainings: int
    ) -> StudyRecord:
        parts = {"id": number, "digest": digest, "content": content, "trainings": trainings}
        sealed = checksum(*parts.values())
        self.execute_many(statement, [{**parts, "seal": sealed}])
        return decode_study(self.where, [*parts.values(), sealed])


def _study_text(study: object) -> str:
    return canonical_json(study, "the study")


def insert_rows(store: TableStore, columns: Sequence[Mapping[str, Any]]) -> dict[TrainingKey, int]:
    """Insert those whose place is free, within a transaction that writes → their numbers."""
    if not columns:
        return {}
    last = store.fetch_all(LAST_TRAINING)[0][0]
    store.execute_many(NEW_TRAINING, columns)
    return {TrainingKey(*key): number for number, *key in store.fetch_all(ADDED, last=last)}


def fetch_predictions(
    store: TableStore, study_id: int, arm: str | None, stage: Stage | None
) -> dict[TrainingKey, bytes]:
    """The verified bytes of those that are kept. Raises StoreError where there is no such study."""
    values = {"study": study_id, "arm": arm, "stage": stage}
    with store.transaction():
        for columns in (study := store.fetch_all(STUDY_BY_ID, id=study_id)):
            decode_study(store.where, columns)
        if not study:
            raise StoreError(store.where, f"has no study {study_id}")
        old = store.read_format() < PREDICTIONS_FORMAT
        found = [] if old else store.fetch_all(PREDICTIONS, **values)
    verified = (verify_predictions(store.where, study_id, columns) for columns in found)
    return dict(one for one in verified if one is not None)


def upgrade_tables(store: TableStore) -> None:
    """Write all rows, and make all tables, in the format of now; within a transaction."""
    rows = [
        {"id": number, **upgrade_row(store.where, study, columns)}
        for number, study, *columns in store.fetch_all(ALL_ROWS)
    ]
    store.execute_many(CHANGE_ROW, rows)
    store.create_tables()
    store.write_format()
