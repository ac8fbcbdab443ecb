"""R006: arms that diverged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, final

from chainrule._util.words import count_noun
from chainrule.study.rules.base import Finding, Rule, format_number

if TYPE_CHECKING:
    from chainrule.study.results.study_result import StudyResult

__all__ = ["DivergedArms"]


@final
class DivergedArms(Rule):
    """A final training ended in nan, and counts as the failure value."""

    code = "R006"
    title = "arms that diverged"
    severity = "error"
    why = (
        "A round that diverged counts as the declared failure value, so the arm's mean, and every "
        "comparison with it, says as much about that number as about the arm."
    )
    advice = "A smaller learning rate, or a bound on the gradient's norm (clip_norm)."

    def find(self, result: StudyResult) -> Iterator[Finding]:
        for arm in result.arms:
            lost = [row for row in arm.rows if row.status == "diverged"]
            if not lost:
                continue
            rounds = ", ".join(str(row.round) for row in lost[:5]) + (", …" * (len(lost) > 5))
            first = f"; the first: {lost[0].note}" if lost[0].note else ""
            yield self.make_finding(
                arm.arm,
                f"{len(lost)} of {count_noun(arm.n, 'round')} diverged ({rounds}), counted as "
                f"{format_number(result.study.failure_value)}{first}",
                "try a smaller optimizer.lr, or clip_norm = 1.0",
                diverged=len(lost),
                rounds=arm.n,
                failure_value=result.study.failure_value,
            )
