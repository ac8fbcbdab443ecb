"""R008: test data seen in selection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, final

from chainrule.study.rules.base import Finding, Rule

if TYPE_CHECKING:
    from chainrule.study.results.study_result import StudyResult

__all__ = ["SelectionLeak"]


@final
class SelectionLeak(Rule):
    """Test samples were learned from, in the training or in the search."""

    code = "R008"
    title = "test data seen in selection"
    severity = "error"
    why = (
        "A test set that was trained on, or that chose the settings, does not say how the arm does "
        "on new samples: the result is too good. `run` looks for it in two rounds before it "
        "begins, which is all where one data set is divided; this looks in the first 20 of those "
        "that are drawn afresh."
    )
    advice = (
        'Divide one data set with data.rounds = "resplit" or "folds", and search in each round '
        "(search.each_round = true)."
    )
    reads_samples = True

    def find(self, result: StudyResult) -> Iterator[Finding]:
        from chainrule.study.results.study_result import read_leaks

        if result.study.data.rounds != "fresh":
            return
        rounds = {row.round for arm in result.arms for row in arm.rows}
        for problem in read_leaks(result):
            yield self.make_finding(
                None,
                problem,
                'data.rounds = "resplit", with search.each_round = true where there is a space',
                rounds=len(rounds),
            )
