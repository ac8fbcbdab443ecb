"""R009: seeds only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, final

from chainrule._util.words import count_noun
from chainrule.statistics import FixedSplit
from chainrule.study.rules.base import Finding, Rule

if TYPE_CHECKING:
    from chainrule.study.results.study_result import StudyResult

__all__ = ["SeedsAlone"]


@final
class SeedsAlone(Rule):
    """The rounds have the same samples: they differ in nothing but the seed."""

    code = "R009"
    title = "seeds only"
    severity = "warning"
    why = (
        "Every round trains and tests on the same samples, so the spread over rounds is that of "
        "initial weights and orders. It says nothing of other samples: a difference may be one of "
        "this split alone, however small its p."
    )
    advice = "Let rounds differ in their samples, where there are more or the set can be divided."
    reads_samples = True

    def find(self, result: StudyResult) -> Iterator[Finding]:
        rounds = {row.round for arm in result.arms for row in arm.rows}
        if len(rounds) > 1 and isinstance(result.design, FixedSplit):
            yield self.make_finding(
                None,
                f"all {count_noun(len(rounds), 'round')} have the same training and test samples",
                'data.rounds = "resplit"; or "fresh", where the data can be drawn anew',
                rounds=len(rounds),
            )
