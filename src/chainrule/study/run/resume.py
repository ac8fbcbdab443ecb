"""Which study of a store a declaration goes on with: old rows never mix with new ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from chainrule._util.plain_data import flatten_dict
from chainrule.recipes.errors import StudyError
from chainrule.study.spec.stored import read_declaration
from chainrule.study.spec.study import NON_SEMANTIC_FIELDS, Study
from chainrule.study.store import Store, StudyRecord, open_store

__all__ = ["describe_changes", "find_changes", "is_extension", "open_or_resume"]

EXTENDABLE_FIELDS = {"rounds", "arms", "factors", "sources"}
"""What a study may get more of without a change in what is there."""


def open_or_resume(
    store: Store, study: Study, provenance: Mapping[str, Any], *, extend: bool = False
) -> StudyRecord:
    """The record that this study's rows belong to.

    That of the same declaration, whatever is said about how results are shown; with ``extend``
    that of one with fewer rounds or arms; else a new one. Raises StudyError where the store has
    the study in a form that this one extends, or that extends this one, and nobody said so.
    """
    declaration, digest = {"toml": study.to_toml()}, study.digest
    found = store.find(digest)
    if found is not None:
        if found.declaration == declaration:
            return found
        return store.update(found.id, declaration, provenance)
    for record in reversed(store.studies()):
        if record.name != study.name:
            continue
        old = read_declaration(record)
        if old.digest == digest:  # written with the names that fields had in an older format
            return store.update(record.id, declaration, provenance, digest=digest)
        if is_extension(old, study):
            if not extend:
                raise StudyError(
                    f"study {study.name}: the store has it with {describe_size(old)}; "
                    f"this is {describe_size(study)}: say --extend to go on from there, "
                    "or choose another --store"
                )
            return store.update(record.id, declaration, provenance, digest=digest)
        if is_extension(study, old):
            raise StudyError(
                f"study {study.name}: the store has it with {describe_size(old)}, more than "
                f"{describe_size(study)}: look at it with chainrule show, "
                "or choose another --store"
            )
    return store.open_study(study.name, digest, declaration, provenance)


def is_extension(old: Study, new: Study) -> bool:
    """Whether ``new`` is ``old`` with more rounds or more arms, and nothing else."""
    ignored = NON_SEMANTIC_FIELDS | EXTENDABLE_FIELDS
    rest = [{k: v for k, v in s.semantic_fields().items() if k not in ignored} for s in (old, new)]
    same_code = old.sources.items() <= new.sources.items()
    arms = {arm.name: arm for arm in new.all_arms}
    kept = all(
        arm.name in arms
        and arm.recipe == arms[arm.name].recipe
        and arm.space == arms[arm.name].space
        for arm in old.all_arms
    )
    return rest[0] == rest[1] and same_code and kept and new.rounds >= old.rounds


def describe_size(study: Study) -> str:
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
        return [*describe_changes(read_declaration(namesakes[-1]), study)] if namesakes else []
    return []


def describe_changes(old: Study, new: Study) -> Iterator[str]:
    """``epochs: 25 → 5`` for each field that is not the same."""
    a, b = (flatten_dict(study.model_dump(mode="json")) for study in (old, new))
    for path in a | b:
        if a.get(path) != b.get(path):
            yield f"{path}: {a.get(path)} → {b.get(path)}"
