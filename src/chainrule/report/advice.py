"""What makes a mean unsure, in a sentence, and what to have more of next."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING

from chainrule.report.data import ReportData
from chainrule.report.tables.predictions import PARTS

if TYPE_CHECKING:
    from chainrule.statistics import VariancePart
    from chainrule.study import StudyResult

__all__ = ["advice_sentences"]

ADVICE = {
    "samples": "more test samples",
    "rounds": "more rounds",
    "seeds": "more rounds, which here are seeds,",
    "search": "more candidates or folds in the search, or more rounds,",
    "rest": "more rounds, or more test samples,",
}
"""Part of a variance → what makes it smaller."""


def advice_sentences(result: StudyResult | ReportData) -> list[str]:
    """A sentence an arm of which predictions are kept."""
    data = ReportData.wrap(result)
    return [
        sentence
        for arm, parts in data.prediction_data.variance_parts.items()
        if (sentence := _advise(arm, parts, data))
    ]


def _advise(arm: str, parts: Sequence[VariancePart], data: ReportData) -> str:
    total = sum(part.of_mean for part in parts)
    if total <= 0:
        return ""
    ordered = sorted(parts, key=lambda part: -part.of_mean)
    said = ", ".join(f"{part.of_mean / total:.0%} from {PARTS[part.name]}" for part in ordered)
    first, found = ordered[0], data.prediction_data.intervals[arm]
    advice = ADVICE[first.name]
    half = (found.high - found.low) / 2
    least = half * sqrt(1 - first.of_mean / total / 2)
    return (
        f"{arm}: of what makes its mean unsure, {said}. {advice[0].upper()}{advice[1:]} narrow its "
        f"interval most: twice as many take it from ±{data.unit.magnitude(half)} to about "
        f"±{data.unit.magnitude(least)}."
    )
