"""R010: unequal rounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, final

from chainrule.study.rules.base import Finding, Rule, run_command

if TYPE_CHECKING:
    from chainrule.study.results.study_result import StudyResult

__all__ = ["UnequalRounds"]


@final
class UnequalRounds(Rule):
    """Some arms have rounds that others have not."""

    code = "R010"
    title = "unequal rounds"
    severity = "warning"
    why = (
        "Arms are compared over the rounds that all of them have, so others are lost; and means "
        "over other rounds stand in one table: an arm may look better for an easy round."
    )
    advice = "Run what is missing; mend what failed."

    def find(self, result: StudyResult) -> Iterator[Finding]:
        none: set[int] = set()
        done = {arm.name: none for arm in result.study.all_arms}
        done |= {arm.arm: {row.round for row in arm.rows} for arm in result.arms}
        every = none.union(*done.values())
        fewer = [f"{name} {len(rounds)}" for name, rounds in done.items() if rounds != every]
        if not fewer:
            return
        failed = f"; failed: {', '.join(result.failed_arms)}" if result.failed_arms else ""
        yield self.make_finding(
            None,
            f"rounds done, of the {len(every)} that some arm has: {', '.join(fewer)}{failed}",
            run_command(result, "--rounds", f"{result.needed_rounds}") + " trains what is missing",
            rounds={name: len(rounds) for name, rounds in done.items()},
        )
