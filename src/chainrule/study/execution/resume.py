"""Which study of a store a declaration goes on with: old rows never mix with new ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, final

from chainrule._util.notices import print_once
from chainrule.recipes.errors import StudyError
from chainrule.study.extension import describe_size, find_last_look, is_extension
from chainrule.study.results.later_changes import find_later_changes
from chainrule.study.results.looks import Look
from chainrule.study.results.round_design import SeenDesign
from chainrule.study.results.study_result import StudyResult, load_result, see_design
from chainrule.study.results.training_versions import describe_old_rows
from chainrule.study.spec.changes import describe_changes
from chainrule.study.spec.digests import digest_declaration
from chainrule.study.spec.stored import read_declaration
from chainrule.study.spec.study import Study
from chainrule.study.store import Store, StudyRecord, open_store
from chainrule.study.store.record import TrainingRecord

__all__ = [
    "StudyEntry",
    "find_changes",
    "find_record",
    "read_records",
]


@final
class StudyEntry:
    """Where the rows of a run go. The store learns of the study with its first rows, not before.

    A run that fails before it has trained anything leaves the store as it was, and so does one that
    is killed. What the declaration changes of an earlier one is kept with the run, so that it is
    never lost. ``extend`` and errors: see :func:`find_record`.
    """

    def __init__(
        self, store: Store, study: Study, provenance: Mapping[str, Any], *, extend: bool = False
    ) -> None:
        self.store, self.study = store, study
        self.record = find_record(store, study, extend=extend)
        changes = {} if self.record is None else self._find_changes(self.record)
        declared = {"declaration": digest_declaration(study)}
        self.provenance = {**provenance, **declared, **({"changes": changes} if changes else {})}
        self._toml, self._digest, self._is_kept = study.to_toml(), study.digest, False
        self._looks: list[Look] = []
        self._design: SeenDesign | None = None
        if self.record is not None:
            found = self.load_result()
            self._design = found.seen_design
            is_extended = found.study.digest != study.digest
            self._looks = [*found.looks, *find_last_look(found)] if is_extended else [*found.looks]

    @property
    def _declaration(self) -> dict[str, Any]:
        """What is declared, when it was looked at, and what its rounds were seen to share."""
        looks = {"looks": [look.as_row() for look in self._looks]} if self._looks else {}
        design = {} if self._design is None else {"design": self._design.as_row()}
        return {"toml": self._toml, **looks, **design}

    @property
    def needed_rounds(self) -> int:
        """How many rounds the study needs, as far as is known now."""
        return self._declared_result.needed_rounds

    @property
    def _declared_result(self) -> StudyResult:
        """What the store has, as the study is declared now."""
        return replace(self.load_result(), study=self.study, looks=tuple(self._looks))

    def look(self) -> int:
        """Keep each look that all arms have reached; how many rounds the study needs now."""
        result = self._declared_result
        reached = result.first_rounds
        known = {(look.rounds, look.plan) for look in self._looks}
        for n in self.study.looks:
            if 2 <= n <= min(reached, result.needed_rounds) and (n, self.study.looks) not in known:
                time = datetime.now(UTC).isoformat(timespec="seconds")
                self._looks.append(Look.of_study(self.study, n, time))
        self._design = see_design(result)
        self.close()
        return result.needed_rounds

    @property
    def is_new(self) -> bool:
        """Whether the store has no row of it."""
        return self.record is None or not self.record.trainings

    def load_rows(self) -> list[TrainingRecord]:
        """What is done."""
        return [] if self.record is None else self.store.rows(self.record.id)

    def warn_of_old_rows(self, rows: Sequence[TrainingRecord]) -> None:
        """Say once of rows that more is added to, and that would be others now."""
        runs = [] if self.record is None else self.record.runs
        if old := describe_old_rows(self.study, rows, runs):
            print_once(f"chainrule: {old}; they stay: another --store has all of one kind")

    def save_rows(self, rows: Sequence[TrainingRecord]) -> None:
        """Keep rows; with the first ones goes what is declared."""
        study, declaration = self.study, self._declaration
        if self.record is None:
            self.record = self.store.open_study(
                study.name, self._digest, declaration, self.provenance, rows
            )
        elif self._is_changed(self.record):
            self.record = self.store.update(
                self.record.id, declaration, self.provenance, digest=self._digest, rows=rows
            )
        else:
            if not self._is_kept:
                self.store.add_run(self.record.id, self.provenance)
            self.store.add(self.record.id, rows)
        self._is_kept = True

    def close(self) -> None:
        """Keep what is declared, where nothing was left to train."""
        if self.record is not None and self._is_changed(self.record):
            self.save_rows([])

    def load_result(self, *, interrupted: bool = False) -> StudyResult:
        """What the store has of the study now."""
        if self.record is None:
            return StudyResult(self.study, [], [], interrupted)
        return load_result(self.store, self.record.id, interrupted=interrupted)

    def _find_changes(self, record: StudyRecord) -> dict[str, list[Any]]:
        return find_later_changes(read_declaration(record), self.study)

    def _is_changed(self, record: StudyRecord) -> bool:
        return record.declaration != self._declaration or record.digest != self._digest


def find_record(store: Store, study: Study, *, extend: bool = False) -> StudyRecord | None:
    """The record that this study's rows belong to; None where the store has none yet.

    That of the same declaration, whatever is said about how results are shown; with ``extend``
    that of one with fewer rounds or arms. Raises StudyError where the store has the study in a
    form that this one extends, or that extends this one, and nobody said so.
    """
    if (found := store.find(study.digest)) is not None:
        return found
    for record in reversed(store.studies()):
        if record.name != study.name or not record.trainings:
            continue
        old = read_declaration(record)
        if old.digest == study.digest:  # written with the names that fields had in an older format
            return record
        if is_extension(old, study):
            if not extend:
                raise StudyError(
                    f"study {study.name}: the store has it with {describe_size(old)}; "
                    f"this is {describe_size(study)}: say --extend to go on from there, "
                    "or choose another --store"
                )
            return record
        if is_extension(study, old):
            raise StudyError(
                f"study {study.name}: the store has it with {describe_size(old)}, more than "
                f"{describe_size(study)}: look at it with chainrule show, "
                "or choose another --store"
            )
    return None


def read_records(where: str) -> list[StudyRecord]:
    """The studies of a store that have rows; none where there is no store yet."""
    is_url = "://" in where
    if not is_url and not (Path(where).exists() and Path(where).stat().st_size):
        return []
    with open_store(where, read_only=not is_url) as store:
        return [record for record in store.studies() if record.trainings]


def find_changes(records: Sequence[StudyRecord], study: Study) -> list[str]:
    """In what the newest study of this name differs; none where there is no other."""
    namesakes = [record for record in records if record.name == study.name]
    with suppress(StudyError):  # an old declaration, which this version cannot read
        return [*describe_changes(read_declaration(namesakes[-1]), study)] if namesakes else []
    return []
