"""R007: a search whose winner is within noise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, final

from chainrule._util.words import count_noun
from chainrule.statistics import Resplits, paired_test
from chainrule.study.rules.base import Finding, Rule, format_number, is_share
from chainrule.study.search import selection
from chainrule.study.spec.sections import Selection
from chainrule.study.store.record import TrainingRecord

if TYPE_CHECKING:
    from chainrule.study.results.study_result import StudyResult
    from chainrule.study.spec.study import Study

__all__ = ["SearchNoise"]

Judged = Mapping[int, Sequence[TrainingRecord]]
"""Candidate → its rows, one a split."""


@final
class SearchNoise(Rule):
    """The best candidate of a search cannot be told from the next."""

    code = "R007"
    title = "search whose winner is within noise"
    severity = "warning"
    why = (
        "The best and the second best candidate differ by no more than chance on the validation "
        "parts (5 %: of a share, the spread that so many samples let expect; of another metric the "
        "corrected t test over the splits, and a single split is not judged). "
        "The setting says little, and another seed would choose another one."
    )
    advice = "More splits (selection.repeats, or k-fold), or fewer candidates that lie closer."

    def find(self, result: StudyResult) -> Iterator[Finding]:
        for arm in result.study.all_arms:
            rows = [row for row in result.rows if (row.arm, row.stage) == (arm.name, "search")]
            searches = selection.group_by_candidate(rows).values()
            judged = [found for one in searches if (found := judge_search(result.study, one))]
            unsure = [found for found in judged if found[2]]
            if not unsure or 2 * len(unsure) < len(judged):
                continue
            best, second, _ = unsure[0]
            name = result.study.metric_name
            times = (
                f"; so in {len(unsure)} of {count_noun(len(judged), 'search')}"
                if len(judged) > 1
                else ""
            )
            how = result.study.selection
            more = max(5, 2 * how.repeats)
            yield self.make_finding(
                arm.name,
                f"the best candidate's validation {name} of {format_number(best)} is within noise "
                f"of the second's {format_number(second)}{times}",
                f"judge on more splits: selection.repeats = {more}",
                best=best,
                second=second,
                searches=len(judged),
                within_noise=len(unsure),
            )


def judge_search(study: Study, judged: Judged) -> tuple[float, float, bool] | None:
    """(the best mean, the second, whether chance explains that); None where that is not known."""
    whole = {
        c: rows for c, rows in judged.items() if all(selection.is_finite(study, r) for r in rows)
    }
    most = max(map(len, whole.values()), default=0)  # fewer: it left a race
    last = {
        c: rows
        for c, rows in whole.items()
        if len(rows) == most and all(r.status != "stopped" for r in rows)
    }
    if len(last) < 2:
        return None
    best = selection.best_candidate(study, last)
    second = selection.best_candidate(study, {c: rows for c, rows in last.items() if c != best})
    a, b = ([row.metrics[study.metric_name] for row in last[c]] for c in (best, second))
    sizes = [row.n_test for row in last[best]]
    if all(map(is_share, [*a, *b], sizes * 2)):
        n = sum(sizes[: study.selection.folds]) if study.selection.split == "kfold" else sizes[0]
        error = math.sqrt(sum(x * (1 - x) / n for x in (fmean(a), fmean(b))))
        return fmean(a), fmean(b), abs(fmean(a) - fmean(b)) <= 1.96 * error
    if len(a) < 2:
        return None
    return fmean(a), fmean(b), paired_test(a, b, splits_design(study.selection)).p > 0.05


def splits_design(how: Selection) -> Resplits:
    """How the splits of a search came about."""
    if how.split == "kfold":
        return Resplits.folds(how.folds)
    held = round(1000 * how.fraction)
    return Resplits(n_test=max(1, held), n_train=max(1, 1000 - held))
