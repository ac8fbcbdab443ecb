"""R005: too few rounds for the question."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, final

from chainrule._util.words import count_noun
from chainrule.statistics import Comparisons, plan_rounds
from chainrule.study.rules.base import Finding, Rule, format_number, run_command

if TYPE_CHECKING:
    from chainrule.study.results.study_result import StudyResult

__all__ = ["FewRounds"]

MOST = 1000
"""More rounds than this are not proposed."""


@final
class FewRounds(Rule):
    """A comparison is undecided, and these rounds could hardly have decided it."""

    code = "R005"
    title = "too few rounds for the question"
    severity = "warning"
    why = (
        "Finding nothing means little where there was little chance to find it. A comparison is "
        "undecided, and its rounds find with a power of 80 % only a difference larger than the "
        "declared rope; or without a rope only one larger than the standard deviation of the "
        "differences (d_z = 1), which is a large effect."
    )
    advice = "More rounds, which are added to those that are there; or fewer comparisons."
    reads_samples = True

    def find(self, result: StudyResult) -> Iterator[Finding]:
        if len(result.common_arms) < 2 or result.failure_problem:
            return
        if result.study.sequential is not None and not result.rounds_looked_at:
            return
        rounds = result.common_arms[0].n
        if rounds < 2:
            yield self.make_finding(
                None,
                f"{count_noun(rounds, 'round')} of all arms: no difference of two arms can be "
                "tested",
                run_command(result, "--rounds", "10", "--extend"),
                rounds=rounds,
            )
            return
        comparisons = result.comparisons
        undecided = [c for c in comparisons.comparisons if c.conclusion == "undecided"]
        needed = rounds_needed(comparisons, result.study.rope)
        if not undecided or (needed is not None and needed <= rounds):
            return
        rope, m = result.study.rope, len(comparisons.comparisons)
        question = (
            f"a difference of {format_number(rope)}, the rope,"
            if rope
            else "even a difference as large as its own spread (d_z = 1)"
        )
        yield self.make_finding(
            None,
            f"{len(undecided)} of {count_noun(m, 'comparison')} undecided, and {rounds} rounds "
            f"are too few to find {question} with a power of 80 %",
            self._advise(result, needed),
            rounds=rounds,
            rounds_needed=needed,
            undecided=[[c.a, c.b] for c in undecided],
        )

    def _advise(self, result: StudyResult, needed: int | None) -> str:
        if needed is None:
            return "no number of rounds on these samples will do: get more samples"
        if needed > MOST:
            return f"it takes up to {needed:,} rounds: ask for a larger rope, or test on more"
        return run_command(result, "--rounds", f"{needed}", "--extend")


def rounds_needed(comparisons: Comparisons, rope: float | None) -> int | None:
    """How many rounds find the rope in each undecided comparison, or without one d_z = 1.

    None where no number does.
    """
    if not rope:
        return plan_rounds(1.0, comparisons=comparisons.family, design=comparisons.design)
    needed = [
        comparisons.find_sensitivity(c.test, wanted=rope).rounds_needed
        for c in comparisons.comparisons
        if c.conclusion == "undecided" and c.test.standard_error
    ]
    known = [n for n in needed if n is not None]
    return None if len(known) < len(needed) else max(known, default=2)
