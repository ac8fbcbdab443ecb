"""R001: the best value is at the edge of the space."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, final

from chainrule._util.words import count_noun
from chainrule.study.rules.base import Finding, Rule
from chainrule.study.spec.sections.space import Dimension

if TYPE_CHECKING:
    from chainrule.study.results.study_result import StudyResult

__all__ = ["EdgeOfSpace"]

MARGIN = 0.05
"""The share of a range that is its edge."""


@final
class EdgeOfSpace(Rule):
    """A searched number whose best value is the smallest or the largest that could be tried."""

    code = "R001"
    title = "best value at the edge of the space"
    severity = "warning"
    why = (
        "What is best at the edge may be better beyond it: the arm was not given its best setting, "
        "and a comparison with it is one with a handicap. Values that have a natural end there (0, "
        "and 1 for a whole number) are left aside."
    )
    advice = "Widen the space in the declaration: add a value beyond the one that was best."

    def find(self, result: StudyResult) -> Iterator[Finding]:
        for arm in result.study.all_arms:
            chosen = [c.setting for c in result.candidates(arm.name) if c.chosen]
            for path, dimension in arm.space.items():
                values = [float(s[path]) for s in chosen if is_numeric(s.get(path))]
                for side in ("smallest", "largest"):
                    n = sum(is_at_edge(dimension, value, side) for value in values)
                    if 2 * n > len(values):
                        yield self._describe(arm.name, path, dimension, side, n, len(values))

    def _describe(
        self, arm: str, path: str, dimension: Dimension, side: str, n: int, searches: int
    ) -> Finding:
        ends = numeric_ends(dimension) or (math.nan, math.nan)
        edge = ends[side == "largest"]
        known = numeric_choices(dimension)
        end = {"smallest": "lower", "largest": "upper"}[side]
        place = f"near {edge:g}, the {end} end of {ends[0]:g} to {ends[1]:g}"
        if known:
            place = f"{edge:g}, the {side} of {count_noun(len(known), 'value')}"
        times = f" in {n} of {count_noun(searches, 'search')}" if searches > 1 else ""
        beyond = value_beyond(known or spaced_values(dimension), side, whole=is_whole(dimension))
        if known:
            listed = [beyond, *known] if side == "smallest" else [*known, beyond]
            declared = f"[{', '.join(f'{x:g}' for x in listed)}]"
        else:
            low, high = (beyond, ends[1]) if side == "smallest" else (ends[0], beyond)
            declared = f"{{ low = {low:g}, high = {high:g}{', log = true' * dimension.log} }}"
        return self.make_finding(
            arm,
            f"the best {path} is {place}{times}",
            f'look beyond it: [space] "{path}" = {declared}',
            path=path,
            edge=edge,
            side=side,
            chosen=n,
            searches=searches,
        )


def is_numeric(x: object) -> bool:
    """Whether it has a size: a truth value has none."""
    return isinstance(x, int | float) and not isinstance(x, bool)


def is_whole(dimension: Dimension) -> bool:
    """Whether all its values are whole numbers."""
    return dimension.integer or all(isinstance(x, int) for x in dimension.values or (0.5,))


def numeric_choices(dimension: Dimension) -> list[float]:
    """The values that were declared one by one, from the smallest; none for a range."""
    values = dimension.values or ()
    return sorted(float(x) for x in values) if all(map(is_numeric, values)) else []


def numeric_ends(dimension: Dimension) -> tuple[float, float] | None:
    """The smallest and the largest value; None where they have no order, or there is but one."""
    known = numeric_choices(dimension)
    low, high = (known[0], known[-1]) if known else (dimension.low, dimension.high)
    return None if low is None or high is None or low == high else (low, high)


def spaced_values(dimension: Dimension) -> list[float]:
    """Values across a range: both ends, and what is a tenth from the end, or the middle."""
    low, high = numeric_ends(dimension) or (math.nan, math.nan)
    return [low, 10 * low, high / 10, high] if dimension.log else [low, (low + high) / 2, high]


def is_at_edge(dimension: Dimension, value: float, side: str) -> bool:
    """Whether a value is the last one on this side, or in the outer part of a range."""
    ends = numeric_ends(dimension)
    if ends is None:
        return False
    low, high = ends
    if side == "smallest" and (low == 0 or (low == 1 and is_whole(dimension))):
        return False
    if dimension.values is not None:
        return value == ends[side == "largest"]
    if dimension.log:
        low, high, value = math.log(low), math.log(high), math.log(value)
    place = (value - low) / (high - low)
    return place >= 1 - MARGIN if side == "largest" else place <= MARGIN


def value_beyond(known: Sequence[float], side: str, *, whole: bool) -> float:
    """What continues the values on this side: by their ratio where it is large, else their step.

    A share that lies close stays one: after 0.9 and 0.99 comes 0.995, halfway to 1.
    """
    edge, inner = (known[0], known[1]) if side == "smallest" else (known[-1], known[-2])
    if edge * inner > 0 and max(edge / inner, inner / edge) >= 1.5:
        beyond = edge * edge / inner
    else:
        beyond = edge + (edge - inner)
        if 0 < edge < 1 <= beyond:
            beyond = (1 + edge) / 2
    if edge > 0 >= beyond:
        beyond = edge / 2
    if whole:
        return max(1.0, round(beyond)) if edge > 0 else round(beyond)
    return float(f"{beyond:.3g}")
