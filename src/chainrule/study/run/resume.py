"""Which study of a store a declaration goes on with: old rows never mix with new ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from chainrule._util.plain_data import flatten_dict
from chainrule.recipes.component import StudyError
from chainrule.study.spec.study import NON_SEMANTIC_FIELDS, Study
from chainrule.study.store import Store, StudyRecord, open_store

__all__ = ["declared_in", "describe_changes", "find_changes", "open_or_resume"]

GROWING = {"rounds", "arms", "factors"}
"""What a study may get more of without a change in what is there."""


def open_or_resume(
    store: Store, study: Study, provenance: Mapping[str, Any], *, extend: bool = False
) -> StudyRecord:
    """The record that this study's rows belong to.

    That of the same declaration, whatever is said about how results are shown; with ``extend``
    that of one with fewer rounds or arms; else a new one. Raises StudyError where the store has
    the study in a form that this one extends, or that extends this one, and nobody said so.
    """
    told, digest = {"toml": study.to_toml()}, study.digest
    found = store.find(digest)
    if found is not None:
        if found.declaration == told:
            return found
        return store.update(found.id, told, provenance)
    for record in reversed(store.studies()):
        if record.name == study.name and is_extension(old := declared_in(record), study):
            if not extend:
                raise StudyError(
                    f"study {study.name}: the store has it with {size(old)}; "
                    f"this is {size(study)}: say --extend to go on from there, "
                    "or choose another --store"
                )
            return store.update(record.id, told, provenance, digest=digest)
        if record.name == study.name and is_extension(study, declared_in(record)):
            raise StudyError(
                f"study {study.name}: the store has it with {size(declared_in(record))}, more "
                f"than {size(study)}: look at it with chainrule show, or choose another --store"
            )
    return store.open_study(study.name, digest, told, provenance)


def declared_in(record: StudyRecord) -> Study:
    """The study of a record. Raises StudyError where this version cannot read it."""
    return Study.from_toml(
        str(record.declaration.get("toml", "")), f"study {record.id} of the store ({record.name})"
    )


def is_extension(old: Study, new: Study) -> bool:
    """Whether ``new`` is ``old`` with more rounds or more arms, and nothing else."""
    apart = NON_SEMANTIC_FIELDS | GROWING
    rest = [{k: v for k, v in s.as_dict().items() if k not in apart} for s in (old, new)]
    arms = {arm.name: arm for arm in new.all_arms}
    kept = all(
        arm.name in arms
        and arm.recipe == arms[arm.name].recipe
        and arm.space == arms[arm.name].space
        for arm in old.all_arms
    )
    return rest[0] == rest[1] and kept and new.rounds >= old.rounds


def size(study: Study) -> str:
    """Such as "4 arms x 10 rounds"."""
    return f"{len(study.all_arms)} arms x {study.rounds} rounds"


def find_changes(where: str, study: Study) -> list[str]:
    """In what a store's newest study of this name differs; none where it has this one."""
    is_url = "://" in where
    if not is_url and not Path(where).exists():
        return []
    with open_store(where, read_only=not is_url) as store:
        if store.find(study.digest) is not None:
            return []
        namesakes = [record for record in store.studies() if record.name == study.name]
    with suppress(StudyError):  # an old declaration, which this version cannot read
        return [*describe_changes(declared_in(namesakes[-1]), study)] if namesakes else []
    return []


def describe_changes(old: Study, new: Study) -> Iterator[str]:
    """``epochs: 25 → 5`` for each field that is not the same."""
    a, b = (flatten_dict(study.model_dump(mode="json")) for study in (old, new))
    for path in a | b:
        if a.get(path) != b.get(path):
            yield f"{path}: {a.get(path)} → {b.get(path)}"
