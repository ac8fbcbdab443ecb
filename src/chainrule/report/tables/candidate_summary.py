"""What a search tried, setting by setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from chainrule.study.results.arm_result import Candidate
    from chainrule.study.results.study_result import StudyResult
    from chainrule.study.store.record import Value

__all__ = ["CandidateSummary", "chosen_values", "paths_of", "tried"]


@final
@dataclass(frozen=True)
class CandidateSummary:
    """A setting over all searches that tried it: one, or one a round.

    ``values`` are the selecting metric on every split; ``chosen`` counts the searches that chose
    it, of ``searches`` in all.
    """

    setting: Mapping[str, Value]
    values: Sequence[float]
    n_ok: int
    chosen: int
    searches: int

    @property
    def mean(self) -> float:
        """The mean over splits and searches."""
        return mean(self.values)


def tried(result: StudyResult, arm: str) -> list[CandidateSummary]:
    """The settings of an arm's search, each once, in the order in which they came."""
    candidates = result.candidates(arm)
    searches = len({candidate.round for candidate in candidates})
    groups: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(repr(sorted(candidate.setting.items())), []).append(candidate)
    return [_merged(group, searches) for group in groups.values()]


def _merged(group: Sequence[Candidate], searches: int) -> CandidateSummary:
    return CandidateSummary(
        setting=group[0].setting,
        values=[value for candidate in group for value in candidate.values],
        n_ok=sum(candidate.n_ok for candidate in group),
        chosen=sum(candidate.chosen for candidate in group),
        searches=searches,
    )


def paths_of(found: Sequence[CandidateSummary]) -> list[str]:
    """The paths that were searched: those with more than one value."""
    paths = dict.fromkeys(path for one in found for path in one.setting)
    return [p for p in paths if len({repr(one.setting.get(p)) for one in found}) > 1]


def chosen_values(result: StudyResult) -> list[dict[str, Any]]:
    """A row an arm that was searched: the chosen candidates' validation, and the test mean."""
    rows = []
    for arm in result.arms:
        chosen = [c.mean for c in result.candidates(arm.arm) if c.chosen]
        if chosen:
            row = {"arm": arm.arm, "validation": mean(chosen), "searches": len(chosen)}
            rows.append(row | {"test": arm.mean, "test_std": arm.std if arm.n > 1 else None})
    return rows
