"""Stores of one study's shares become one store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

from chainrule._util.argument_checks import check_arguments
from chainrule.recipes.errors import StudyError
from chainrule.study.extension import (
    EXTENDABLE_FIELDS,
    describe_size,
    extends,
    find_last_look,
)
from chainrule.study.results.later_changes import find_later_changes
from chainrule.study.results.study_result import load_result
from chainrule.study.spec.changes import describe_changes
from chainrule.study.spec.digests import NON_SEMANTIC_FIELDS
from chainrule.study.spec.stored import read_declaration
from chainrule.study.store import Store, StudyRecord, open_store
from chainrule.study.store.record import TrainingKey, TrainingRecord

__all__ = ["MergedStudy", "merge_stores"]


@final
@dataclass(frozen=True)
class MergedStudy:
    """What became of a study.

    - ``name``, ``digest``: of the study; ``trainings``: rows that it has now.
    - ``added``: rows that are new in the store; ``known``: that it had, or that came twice.
    - ``different``: of those that came twice, how many had other numbers the second time.
    - ``changes``: where it is declared otherwise → field → what is kept, and what is said there.
    - ``extended``: how large it was in the store before, where it has more rounds or arms now.
    """

    name: str
    digest: str
    trainings: int = 0
    added: int = 0
    known: int = 0
    different: int = 0
    changes: Mapping[str, Mapping[str, Sequence[Any]]] = field(default_factory=dict)
    extended: str = ""


@check_arguments
def merge_stores(stores: Sequence[str | Path], output: str | Path) -> list[MergedStudy]:
    """Put the rows of stores into one, which is made or gets what it lacks; its studies.

    With the rows come curves, kept predictions and the provenance of all runs. Where two rows have
    one name the first one stays, unless it had failed. So the same stores, merged again, change
    nothing. A study that one of them has with more rounds or arms than the others is extended.

    All is looked through before anything is written: where one store is damaged or no store, or
    has the study in another form than the one before it, or no study of it, nothing is. Raises
    StoreError for the first, StudyError for the others, both naming the store; OSError.
    """
    target = locate(output)
    sources = [place for place in dict.fromkeys(map(locate, stores)) if place != target]
    families: dict[str, tuple[str, StudyRecord]] = {}
    for place in ([target] if has_content(target) else []) + sources:
        families |= check_store(place, families)
    merged: dict[int, MergedStudy] = {}
    with open_store(target) as store, store.run_lock():
        for place in sources:
            with open_store(place, read_only=True) as source:
                for record in (one for one in source.studies() if one.trainings):
                    rows = source.rows(record.id, curves=True, predictions=True)
                    copy_study(store, record, rows, merged, place)
        found = {record.id: record for record in store.studies()}
    return [
        replace(study, digest=found[i].digest, trainings=found[i].trainings)
        for i, study in merged.items()
    ]


def locate(place: str | Path) -> str:
    """A store's URL, or its whole path."""
    return str(place) if "://" in str(place) else str(Path(place).resolve())


def has_content(place: str) -> bool:
    """Whether there is something already, which may be no store."""
    return "://" in place or (Path(place).is_file() and Path(place).stat().st_size > 0)


def check_store(
    place: str, families: Mapping[str, tuple[str, StudyRecord]]
) -> dict[str, tuple[str, StudyRecord]]:
    """Read all of a store; name → where it is, the study of this name that was run last, and of
    ``families`` the largest.

    Raises StoreError where it is damaged, StudyError where it does not go with the ``families`` of
    the stores before.
    """
    found: dict[str, tuple[str, StudyRecord]] = {}
    is_url = "://" in place
    with open_store(place, read_only=not is_url) as store:
        for record in sorted(store.studies(), key=lambda one: str(one.runs[-1].get("time", ""))):
            store.rows(record.id, curves=True, predictions=True)
            if record.trainings:
                found[record.name] = place, record
    largest = {**families}
    for name, (_, record) in found.items():
        known = families[name][1] if name in families else record
        if extends(record, known):
            largest[name] = place, record
        elif record.digest != known.digest and not extends(known, record):
            raise StudyError(describe_other(place, record, *families[name]))
    if families and found and not is_related(found, families):
        names = " and ".join(found)
        raise StudyError(
            f"{place}: has {names}, and not {' or '.join(families)}: it is no share of the same "
            "study; nothing was merged"
        )
    return {**found, **largest}


def is_related(
    found: Mapping[str, tuple[str, StudyRecord]], families: Mapping[str, tuple[str, StudyRecord]]
) -> bool:
    """Whether studies have one in common; parts of a study over several data sets are of one."""
    one, other = ({name_family(record) for _, record in of.values()} for of in (found, families))
    return not one.isdisjoint(other)


def name_family(record: StudyRecord) -> str:
    """The name of a study, or of the study over several data sets that it is a part of."""
    with suppress(StudyError):  # an old declaration, which this version cannot read
        if (of := read_declaration(record).part_of) is not None:
            return of.study
    return record.name


def describe_other(place: str, record: StudyRecord, first: str, known: StudyRecord) -> str:
    """In what a store has another form of a study."""
    what = "it is declared otherwise"
    with suppress(StudyError):
        changes = [*describe_changes(read_declaration(known), read_declaration(record))]
        what = ", ".join(changes) or what
    return (
        f"{place}: has {record.name} in another form than {first} ({what}), so their rows are of "
        "two studies; nothing was merged"
    )


def copy_study(
    store: Store,
    record: StudyRecord,
    rows: Sequence[TrainingRecord],
    merged: dict[int, MergedStudy],
    place: str,
) -> None:
    """Add a study's rows and runs to a store, and what became of it to what did so far."""
    target = find_target(store, record)
    there = {} if target is None else {row.key: row for row in store.rows(target.id)}
    new = [row for row in rows if is_news(row, there)]
    known = [row for row in rows if row.key in there and there[row.key].status != "failed"]
    extended = ""
    if target is None:
        declared, first = record.declaration, record.runs[0]
        target = store.open_study(record.name, record.digest, declared, first, new)
    elif extends(record, target):
        if target.id not in merged:
            extended = describe_size(read_declaration(target))
        target = extend_study(store, target, record, new)
    else:
        declared = join_looks(target.declaration, record.declaration)
        if declared != target.declaration:
            store.update(target.id, declared, target.runs[-1])
        if new:
            store.add(target.id, new)
    for run in record.runs:
        if run not in target.runs:
            store.add_run(target.id, run)
    before = merged.get(target.id, MergedStudy(record.name, record.digest))
    merged[target.id] = replace(
        before,
        added=before.added + len(new),
        known=before.known + len(known),
        different=before.different + sum(has_other_numbers(row, there[row.key]) for row in known),
        changes={**before.changes, **dict(find_declared_changes(target, record, place))},
        extended=before.extended or extended,
    )


def find_target(store: Store, record: StudyRecord) -> StudyRecord | None:
    """The study that a record's rows go to: the same, a larger one, or a smaller one."""
    if (found := store.find(record.digest)) is not None:
        return found
    others = [other for other in store.studies() if other.trainings]
    larger = [other for other in others if extends(other, record)]
    return next(iter(larger + [other for other in others if extends(record, other)]), None)


def extend_study(
    store: Store, old: StudyRecord, new: StudyRecord, rows: Sequence[TrainingRecord]
) -> StudyRecord:
    """Give a study the rounds and arms of another one, and rows; it was looked at before that.

    How it is shown and compared stays as it was declared first.
    """
    studies = read_declaration(old), read_declaration(new)
    shown = {name: getattr(studies[0], name) for name in NON_SEMANTIC_FIELDS}
    study = studies[1].model_copy(update=shown)
    looked = {"looks": [look.as_row() for look in find_last_look(load_result(store, old.id))]}
    declared = join_looks(join_looks({"toml": study.to_toml()}, looked), old.declaration)
    declared = join_looks(declared, new.declaration)
    changes = {**new.runs[-1].get("changes", {}), **find_later_changes(studies[0], study)}
    run = {**new.runs[-1], "changes": changes}
    return store.update(old.id, declared, run, digest=new.digest, rows=rows)


def is_news(row: TrainingRecord, there: Mapping[TrainingKey, TrainingRecord]) -> bool:
    """Whether a row is added: nothing has its name, or what has it failed, and it did not."""
    return row.key not in there or (there[row.key].status == "failed" and row.status != "failed")


def has_other_numbers(row: TrainingRecord, other: TrainingRecord) -> bool:
    """Whether the numbers of two rows of one name are not the same."""
    one, two = ((r.status, dict(r.setting), sorted(r.metrics.items())) for r in (row, other))
    return row.status != "failed" and repr(one) != repr(two)  # nan is nan


def join_looks(kept: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a declaration, with the looks that the other one had at its rounds."""
    looks = {
        (look["rounds"], tuple(look["plan"])): look
        for look in [*other.get("looks", ()), *kept.get("looks", ())]
    }
    return {**kept, **({"looks": [looks[key] for key in sorted(looks)]} if looks else {})}


def find_declared_changes(
    target: StudyRecord, record: StudyRecord, place: str
) -> Iterator[tuple[str, dict[str, list[Any]]]]:
    """Where something is declared otherwise that decides a conclusion, and what."""
    with suppress(StudyError):  # an old declaration, which this version cannot read
        changes = find_later_changes(read_declaration(target), read_declaration(record))
        if others := {k: v for k, v in changes.items() if k not in EXTENDABLE_FIELDS}:
            yield place, others
