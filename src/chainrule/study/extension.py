"""A study with more rounds or arms: it goes on from the rows of one that has fewer."""

from __future__ import annotations

from contextlib import suppress

from chainrule._util.words import count_noun
from chainrule.recipes.errors import StudyError
from chainrule.study.results.looks import Look
from chainrule.study.results.study_result import StudyResult
from chainrule.study.spec.digests import NON_SEMANTIC_FIELDS, semantic_content
from chainrule.study.spec.stored import read_declaration
from chainrule.study.spec.study import Study
from chainrule.study.store import StudyRecord

__all__ = [
    "EXTENDABLE_FIELDS",
    "describe_rounds",
    "describe_size",
    "extends",
    "find_last_look",
    "is_extension",
]

EXTENDABLE_FIELDS = {"rounds", "arms", "factors", "sources"}
"""What a study may get more of without a change in what is there."""


def is_extension(old: Study, new: Study) -> bool:
    """Whether ``new`` is ``old`` with more rounds or more arms, and nothing else."""
    ignored = NON_SEMANTIC_FIELDS | EXTENDABLE_FIELDS
    rest = [{k: v for k, v in semantic_content(s).items() if k not in ignored} for s in (old, new)]
    same_code = old.sources.items() <= new.sources.items()
    arms = {arm.name: arm for arm in new.all_arms}
    kept = all(
        arm.name in arms
        and arm.recipe == arms[arm.name].recipe
        and arm.space == arms[arm.name].space
        for arm in old.all_arms
    )
    return rest[0] == rest[1] and same_code and kept and new.max_rounds >= old.max_rounds


def extends(record: StudyRecord, old: StudyRecord) -> bool:
    """Whether the one study of a store is the other one with more rounds or arms."""
    if record.name == old.name and record.digest != old.digest:
        with suppress(StudyError):  # an old declaration, which this version cannot read
            return is_extension(read_declaration(old), read_declaration(record))
    return False


def describe_rounds(study: Study) -> str:
    """Such as "10 rounds", or "up to 40 rounds"."""
    return f"{'' if study.sequential is None else 'up to '}{count_noun(study.max_rounds, 'round')}"


def describe_size(study: Study) -> str:
    """Such as "4 arms x 10 rounds"."""
    return f"{count_noun(len(study.all_arms), 'arm')} x {describe_rounds(study)}"


def find_last_look(result: StudyResult) -> list[Look]:
    """The look at what a store has, unless it knows of it: before one asks for more."""
    n = min((arm.n for arm in result.arms), default=0)
    if n < 2 or any(look.rounds == n for look in result.looks):
        return []
    time = str(result.runs[-1].get("time", "")) if result.runs else ""
    return [Look.of_study(result.study, n, time)]
