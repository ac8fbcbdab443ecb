"""Rows that an earlier chainrule trained otherwise than this one would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainrule._util.words import count_noun
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingRecord

if TYPE_CHECKING:
    from chainrule.study.results.study_result import StudyResult

__all__ = ["TRAINING_VERSION", "describe_mixed_rows", "describe_old_rows"]


@dataclass(frozen=True)
class TrainingChange:
    """What trainings of one declaration give otherwise since then.

    ``touches``: whether the row of an arm may be another one for it.
    """

    what: str
    touches: Callable[[Arm, TrainingRecord], bool]


def ends_early(arm: Arm, row: TrainingRecord) -> bool:
    """Whether a training may have ended before others of its cohort."""
    return arm.recipe.early_stopping is not None or row.status == "diverged"


CHANGES: Sequence[TrainingChange] = (
    TrainingChange(
        "one that ends before others of its cohort has its own epochs, curves and train_… numbers",
        ends_early,
    ),
)
"""In the order in which they came. Who changes what a declaration gives adds a line."""

TRAINING_VERSION = len(CHANGES)
"""How many changes a training of this version has behind it, which its row and its run keep."""


def describe_old_rows(
    study: Study, rows: Sequence[TrainingRecord], runs: Sequence[Mapping[str, Any]]
) -> str:
    """A sentence about rows that would be others now, whose versions, and why; "" of none.

    ``runs``: the provenances of the runs that made them.
    """
    arms = {arm.name: arm for arm in study.all_arms}
    old = [row for row in rows if row.arm in arms and [*find_touching_changes(arms[row.arm], row)]]
    if not old:
        return ""
    versions = dict.fromkeys(
        name_version(run) for run in runs if run.get("training_version", 0) < TRAINING_VERSION
    )
    changes = dict.fromkeys(
        change for row in old for change in find_touching_changes(arms[row.arm], row)
    )
    return (
        f"{count_noun(len(old), 'training')} of {study.name} may have other numbers than now, for "
        f"{', '.join(versions) or 'an earlier chainrule'} trained otherwise: since then "
        f"{'; '.join(changes)}"
    )


def describe_mixed_rows(result: StudyResult) -> str:
    """The same sentence of a result that has rows of several versions, else ""."""
    versions = {row.training_version for row in result.rows if row.status != "failed"}
    if len(versions) < 2:
        return ""
    return describe_old_rows(result.study, result.rows, result.runs)


def find_touching_changes(arm: Arm, row: TrainingRecord) -> Iterator[str]:
    """What a row would give otherwise now."""
    for change in CHANGES[row.training_version :]:
        if row.status != "failed" and change.touches(arm, row):
            yield change.what


def name_version(run: Mapping[str, Any]) -> str:
    """``chainrule 0.1.0 (0123abcd)``, with the commit where it is known."""
    version = (run.get("versions") or {}).get("chainrule") or "of unknown version"
    commit = str(run.get("commit") or "")[:8]
    return f"chainrule {version}" + (f" ({commit})" if commit else "")
