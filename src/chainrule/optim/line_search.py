"""How far to go along a direction: a line search that keeps the strong conditions of Wolfe.

A search is a generator: it yields the step sizes t that it wants to know of, and is sent the Point
there. f is the loss along the line, f' its slope g · d.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import NamedTuple, TypeAlias

from torch import Tensor

__all__ = ["LineSearch", "Point", "search_strong_wolfe"]

C1, C2 = 1e-4, 0.9
"""How much of the first slope a step has to gain, and how much of it may be left."""

SMALLEST_STEP = 1e-9


class Point(NamedTuple):
    """A place on the line: how far it is, the loss there, its gradient (P,), its slope."""

    t: float
    loss: float
    grad: Tensor
    slope: float


LineSearch: TypeAlias = Generator[float, Point, Point]


def search_strong_wolfe(start: Point, t: float, reach: float, most: int = 25) -> LineSearch:
    """A point with f(t) ≤ f(0) + c₁ t f'(0) and |f'(t)| ≤ c₂ |f'(0)|, or the best one found.

    From ``t`` on it goes further until the two points before it have such a one between them, and
    then looks there; ``most`` points after the first it takes the better end. ``reach`` is the
    largest entry of the direction. (Nocedal and Wright, Numerical optimization, 2006, algorithms
    3.5 and 3.6.)
    """
    before, point = start, (yield t)
    for number in range(most):
        rises = number > 1 and point.loss >= before.loss
        if is_too_high(start, point) or rises:
            return (yield from search_between(start, before, point, most - number, reach))
        if is_flat(start, point):
            return point
        if point.slope >= 0:
            return (yield from search_between(start, before, point, most - number, reach))
        least = point.t + 0.01 * (point.t - before.t)
        t = find_cubic_minimum(before, point, least, 10 * point.t)
        before, point = point, (yield t)
    return point if point.loss < start.loss else start


def search_between(start: Point, a: Point, b: Point, points: int, reach: float) -> LineSearch:
    """Make the interval smaller, of whose ends the lower one is good, until one keeps both."""
    ends, near_end = [a, b], False
    for _ in range(points):
        left, right = sorted(end.t for end in ends)
        if (right - left) * reach < SMALLEST_STEP:
            break
        t = find_cubic_minimum(ends[0], ends[1], left, right)
        margin = 0.1 * (right - left)
        was_near, near_end = near_end, min(right - t, t - left) < margin
        if near_end and (was_near or t >= right or t <= left):  # it would hardly move again
            t = right - margin if right - t < t - left else left + margin
            near_end = False
        point = yield t
        low = int(ends[1].loss < ends[0].loss)
        if is_too_high(start, point) or point.loss >= ends[low].loss:
            ends[1 - low] = point
            continue
        if is_flat(start, point):
            return point
        if point.slope * (ends[1 - low].t - ends[low].t) >= 0:
            ends[1 - low] = ends[low]
        ends[low] = point
    return ends[int(ends[1].loss < ends[0].loss)]


def is_too_high(start: Point, point: Point) -> bool:
    """Whether the loss has not fallen enough for the way that was gone."""
    return point.loss > start.loss + C1 * point.t * start.slope


def is_flat(start: Point, point: Point) -> bool:
    """Whether little is left of the slope."""
    return abs(point.slope) <= -C2 * start.slope


def find_cubic_minimum(a: Point, b: Point, low: float, high: float) -> float:
    """Where the cubic with the losses and slopes of both points is least, within [low, high]

    The middle, where it has no minimum; the far end of a straight line. (Nocedal and Wright 2006,
    equation 3.59.)
    """
    if a.t > b.t:
        a, b = b, a
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2
    d2 = math.sqrt(square)
    bend = b.slope - a.slope + 2 * d2
    if not bend:
        return high
    t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / bend)
    return min(max(t, low), high)
