"""The stores of the room, and what they hold; a study is read anew when its store has changed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any, final

from chainrule.recipes.errors import StudyError
from chainrule.report.data import ReportData
from chainrule.study import (
    DatasetsResult,
    StudyResult,
    load_datasets_result,
    load_result,
    open_store,
)
from chainrule.study.execution.provenance import hide_password
from chainrule.study.results.datasets_result import list_parts
from chainrule.study.results.summary import StudySummary, order_by_last_run, summarize_study
from chainrule.study.spec.sections import PartOf
from chainrule.study.store import Store, StudyRecord

__all__ = ["StoredDatasets", "StoredStudy", "StudyStores"]

MAX_STUDIES = 8
"""So many studies that were looked at last are kept as they were read."""


@final
@dataclass
class StoredStudy:
    """A study as it was read. ``version`` changes when its rows or its declaration do.

    ``holder``: the process that runs it now, "" for none. Who computes with it holds ``lock``.
    """

    record: StudyRecord
    version: str
    holder: str
    data: ReportData
    lock: RLock = field(default_factory=RLock, repr=False)

    @property
    def result(self) -> StudyResult:
        """Its rows."""
        return self.data.result

    @property
    def state(self) -> str:
        """See :func:`name_state`."""
        return name_state(self.result.is_complete, self.holder)


@final
@dataclass(frozen=True)
class StoredDatasets:
    """A study over several data sets as it was read.

    ``numbers`` and ``states`` are those of the studies that are its parts, by data set.
    ``is_held``: a run has the store, and the last of its studies is one of them.
    """

    result: DatasetsResult
    version: str
    numbers: Mapping[str, int]
    states: Mapping[str, str]
    is_held: bool

    @property
    def state(self) -> str:
        """See :func:`name_state`: it runs between two of its parts too."""
        return join_states(self.states.values(), len(self.result.declared), self.is_held)


@final
class StudyStores:
    """The stores in a folder, and those that were named when the app began; no other is opened.

    They are opened for reading only, so that no run waits for it, but to remove a study. ``named``:
    paths and URLs; the browser learns no password.
    """

    def __init__(self, folder: Path, named: Sequence[str] = ()) -> None:
        self.folder, self.named = folder, list(named)
        self._studies: OrderedDict[tuple[str, int], StoredStudy] = OrderedDict()
        self._datasets: OrderedDict[tuple[str, str], StoredDatasets] = OrderedDict()
        self._summaries: dict[tuple[str, int], tuple[str, StudySummary, PartOf | None]] = {}
        self._lock = RLock()

    @property
    def addresses(self) -> Mapping[str, str]:
        """What a store is called → what opens it."""
        files = [path for path in sorted(self.folder.glob("*.sqlite")) if is_filled(path)]
        named = {hide_password(where): where for where in self.named}
        return {path.stem: str(path) for path in files} | named

    def find_address(self, name: str) -> str:
        """What opens the store of this name. Raises StudyError, which lists them, for none."""
        found = self.addresses
        if name not in found:
            raise StudyError(f"no store {name!r}; stores: {', '.join(found) or 'none'}")
        return found[name]

    def list_studies(self, name: str) -> list[dict[str, Any]]:
        """A row a study of a store, the last one first. Raises as :func:`open_store`.

        A study over several data sets has a row of its own, beside those of its parts. One that
        cannot be read has its problem in its row, and hides no other.
        """
        with open_store(self.find_address(name), read_only=True) as store:
            records, holder = order_by_last_run(store.studies()), store.run_holder()
            rows = []
            for record in reversed(records):
                row = {"number": record.id, "name": record.name, "digest": record.digest}
                try:
                    summary, part_of = self._summarize(name, store, record)
                except ValueError as error:
                    problem = {"problem": f"{error}", "state": "not readable"}
                    rows.append({**row, **problem, "trainings": record.trainings})
                    continue
                state = name_state(summary.is_complete, holder if record is records[-1] else "")
                part = None if part_of is None else part_of.model_dump()
                rows.append({**asdict(summary), **row, "state": state, "part_of": part})
        return [*summarize_wholes(rows, is_held=bool(holder)), *rows]

    def _summarize(
        self, name: str, store: Store, record: StudyRecord
    ) -> tuple[StudySummary, PartOf | None]:
        key, version = (name, record.id), find_version(record)
        if self._summaries.get(key, ("", None, None))[0] != version:
            result = load_result(store, record.id)
            summary = summarize_study(result, record)
            self._summaries[key] = version, summary, result.study.part_of
        return self._summaries[key][1:]

    def read_datasets(self, name: str, digest: str) -> StoredDatasets:
        """A study over several data sets as it is now, by its digest. Raises as read_study."""
        with self._lock, open_store(self.find_address(name), read_only=True) as store:
            records, holder = store.studies(), store.run_holder()
            parts = [(of, record) for of, record in list_parts(records) if of.digest == digest]
            version = " ".join(find_version(record) for _, record in parts)
            known = self._datasets.pop((name, digest), None)
            result = known.result if known and known.version == version else None
            result = result or load_datasets_result(store, digest)
            running = order_by_last_run(records)[-1].id if holder else None
            numbers = {of.dataset: record.id for of, record in parts}
            found = StoredDatasets(
                result,
                version,
                numbers,
                {
                    of.dataset: name_state(
                        result.datasets[of.dataset].is_complete,
                        holder if record.id == running else "",
                    )
                    for of, record in parts
                },
                running in numbers.values(),
            )
            self._datasets[name, digest] = found
            while len(self._datasets) > MAX_STUDIES:
                self._datasets.popitem(last=False)
        return found

    def read_study(self, name: str, number: int) -> StoredStudy:
        """A study as it is now. Raises StudyError where there is none, else as open_store."""
        with self._lock, open_store(self.find_address(name), read_only=True) as store:
            records, holder = store.studies(), store.run_holder()
            record = choose_stored_study(records, name, number)
            version, known = find_version(record), self._studies.pop((name, number), None)
            if known is None or known.version != version:
                data = ReportData(load_result(store, number))
                known = StoredStudy(record, version, "", data)
            known.holder = holder if record is order_by_last_run(records)[-1] else ""
            self._studies[name, number] = known
            while len(self._studies) > MAX_STUDIES:
                self._studies.popitem(last=False)
        return known

    def remove_study(self, name: str, number: int, digest: str) -> None:
        """Remove the study that has this digest, for ever. Raises StoreError while one is run."""
        with open_store(self.find_address(name), create=False) as store, store.run_lock():
            if choose_stored_study(store.studies(), name, number).digest != digest:
                raise StudyError(f"nothing was removed: study {number} is another one now")
            store.remove(number)


def is_filled(path: Path) -> bool:
    """Whether there is something in a file; not in one that is gone, or a link to nowhere."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def name_state(is_complete: bool, holder: str) -> str:
    """``complete``, ``running`` or ``not complete``."""
    if is_complete:
        return "complete"
    return "running" if holder else "not complete"


def join_states(states: Iterable[str], count: int, is_held: bool) -> str:
    """The state of a study of so many parts, of which these are begun, and which a run may have."""
    return name_state([*states] == ["complete"] * count, "a run" if is_held else "")


def summarize_wholes(rows: Sequence[Mapping[str, Any]], *, is_held: bool) -> list[dict[str, Any]]:
    """A row for each study over several data sets of which these rows, the last run first, have
    parts; ``is_held``: a run has the store.

    ``datasets`` are (complete, declared).
    """
    by_digest: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row.get("part_of"):
            by_digest.setdefault(row["part_of"]["digest"], []).append(row)
    wholes = []
    for digest, parts in by_digest.items():
        of, states = parts[0]["part_of"], [part["state"] for part in parts]
        whole = {
            "number": None,
            "name": of["study"],
            "digest": digest,
            "state": join_states(states, len(of["datasets"]), is_held and rows[0] in parts),
            "last_run": max(part["last_run"] for part in parts),
            "datasets": [states.count("complete"), len(of["datasets"])],
            "trainings": sum(part["trainings"] for part in parts),
        }
        wholes.append(whole)
    return wholes


def find_version(record: StudyRecord) -> str:
    """What changes with the rows, the looks and the declaration of a study."""
    counts = record.trainings, len(record.runs), len(str(record.declaration))
    parts = record.digest, record.created, *counts
    return "-".join(map(str, parts))


def choose_stored_study(records: Sequence[StudyRecord], name: str, number: int) -> StudyRecord:
    """The study of this number. Raises StudyError, which lists them, where there is none."""
    for record in records:
        if record.id == number:
            return record
    numbers = ", ".join(str(record.id) for record in records) or "none"
    raise StudyError(f"store {name} has no study {number}; studies: {numbers}")
