"""Searches as SVG, drawn here as text: maps of two paths, or the candidates over each path.

A cell, and a candidate, has its values in words, which a pointer shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import final

from matplotlib import colormaps
from matplotlib.colors import to_hex
from matplotlib.ticker import LogLocator, MaxNLocator

from chainrule.report.figure_data.search.search_maps import SearchLine, SearchMap, SearchMapsData
from chainrule.report.html.svg_parts import (
    GRID,
    LETTER,
    WIDTH,
    format_tick,
    page_color,
    ticks_within,
    wrap_svg,
)
from chainrule.report.line_styles import line_style
from chainrule.report.numbers import PLAIN, Unit, format_value

__all__ = ["draw_search_svg"]

MAX_NUMBERS = 8
"""With more cells than this in a row, no cell has its number."""

ROW, BAR, GAP, HEIGHT = 26, 74, 22, 220
"""Pixels: a row of a map, the width of the key of its colours, between panels, a panel of lines."""

BAR_STEPS = 32


def draw_search_svg(data: SearchMapsData, label: str) -> str:
    """The maps of an arm's search, or else its candidates over each path."""
    body, height = _draw_maps(data) if data.maps else _draw_lines(data)
    return wrap_svg(body, height, label, "search")


def _draw_maps(data: SearchMapsData) -> tuple[list[str], float]:
    body: list[str] = []
    width = (WIDTH - BAR - GAP * (len(data.maps) - 1)) / len(data.maps)
    rows = max(len(found.y_values) for found in data.maps)
    bottom = 24 + rows * ROW
    for i, found in enumerate(data.maps):
        body += _draw_map(found, data, i * (width + GAP), width, bottom)
    body += _draw_bar(data, WIDTH - BAR + 14, 24, rows * ROW)
    chosen = "framed: chosen"
    others = "each cell: the best over the paths not shown; " if data.n_paths > 2 else ""
    body.append(f'<text x="8" y="{bottom + 58}">{others}{chosen}</text>')
    return body, bottom + 66


def _draw_map(
    found: SearchMap, data: SearchMapsData, left: float, width: float, bottom: float
) -> Iterator[str]:
    """A cell a pair of values, the first row at the bottom, as an axis has it."""
    y_names, x_names = (
        [format_value(v) for v in values] for values in (found.y_values, found.x_values)
    )
    room = min(width / 2, 10 + LETTER * max(map(len, y_names)))
    start, step = left + room, (width - room) / len(x_names)
    top = bottom - ROW * len(y_names)
    yield f'<text x="{left:.0f}" y="{top - 8}" class="title">{escape(found.y_path)}</text>'
    for i, name in enumerate(y_names):
        y = bottom - ROW * (i + 0.5) + 4
        yield f'<text x="{start - 6:.1f}" y="{y}" text-anchor="end">{escape(name)}</text>'
        for j, mean in enumerate(found.means[i]):
            if math.isfinite(mean):
                words = f"{found.y_path} {name}, {found.x_path} {x_names[j]}"
                x, y = start + j * step, bottom - ROW * (i + 1)
                yield from _draw_cell(x, y, step, mean, data, len(x_names) <= MAX_NUMBERS, words)
    for i, j in found.chosen:
        yield (
            f'<rect class="chosen" x="{start + j * step:.1f}" y="{bottom - ROW * (i + 1)}" '
            f'width="{step:.1f}" height="{ROW}" fill="none" stroke-width="3" '
            f'stroke="{page_color(line_style(1))}"/>'
        )
    for j, name in _spread_names(x_names, step):
        x = start + (j + 0.5) * step
        yield f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{escape(name)}</text>'
    middle = start + (width - room) / 2
    yield (
        f'<text x="{middle:.1f}" y="{bottom + 34}" text-anchor="middle" class="title">'
        f"{escape(found.x_path)}</text>"
    )


def _draw_cell(
    x: float, y: float, width: float, mean: float, data: SearchMapsData, told: bool, words: str
) -> Iterator[str]:
    share = _share(mean, data.limits)
    yield (
        f'<rect class="cell" x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW}" '
        f'fill="{_color(share)}"><title>{escape(words)}: {data.unit.quantity(mean)}</title></rect>'
    )
    if told:
        unit = data.unit if data.unit.scale == 1.0 else Unit(data.unit.scale, 1)
        ink = "#010101" if share > 0.5 else "#fefefe"
        yield (
            f'<text x="{x + width / 2:.1f}" y="{y + 17}" text-anchor="middle" font-size="10" '
            f'fill="{ink}" pointer-events="none">{unit.number(mean)}</text>'
        )


def _share(mean: float, limits: tuple[float, float]) -> float:
    low, high = limits
    return (mean - low) / (high - low) if high > low else 0.5


def _color(share: float) -> str:
    return to_hex(colormaps["cividis"](share))


def _spread_names(names: Sequence[str], step: float) -> Iterator[tuple[int, str]]:
    """The names that have room side by side: every one, or every second, third, …"""
    every = max(1, math.ceil((LETTER * max(map(len, names)) + 8) / step))
    return ((j, name) for j, name in enumerate(names) if j % every == 0)


def _draw_bar(data: SearchMapsData, x: float, top: float, height: float) -> Iterator[str]:
    """Which colour is which number."""
    low, high = data.limits
    step = height / BAR_STEPS
    for i in range(BAR_STEPS):
        y = top + height - (i + 1) * step
        color = _color((i + 0.5) / BAR_STEPS)
        yield f'<rect x="{x}" y="{y:.1f}" width="12" height="{step + 0.5:.1f}" fill="{color}"/>'
    for value in ticks_within(MaxNLocator(4).tick_values(low, high), (low, high)):
        y = top + height * (1 - _share(value, data.limits))
        yield f'<text x="{x + 17}" y="{y + 4:.1f}">{format_tick(value, data.unit)}</text>'
    title = f"validation {data.metric}"
    yield f'<text x="{WIDTH}" y="{top - 8}" text-anchor="end">{escape(title)}</text>'


@final
@dataclass(frozen=True)
class Axis:
    """The values of a path, from the left to the right of a panel."""

    line: SearchLine
    left: float
    width: float

    @property
    def is_log(self) -> bool:
        """Whether its numbers go over powers of ten."""
        return self.line.is_numeric and self.low > 0 and self.high / self.low > 30

    @property
    def low(self) -> float:
        """The first position."""
        return min(point.position for point in self.line.points)

    @property
    def high(self) -> float:
        """The last position."""
        return max(point.position for point in self.line.points)

    def x(self, position: float) -> float:
        """Where a position stands."""
        low, high, at = self.low, self.high, position
        if self.is_log:
            low, high, at = math.log10(low), math.log10(high), math.log10(position)
        share = (at - low) / (high - low) if high > low else 0.5
        return round(self.left + 10 + share * (self.width - 20), 1)

    def name_ticks(self) -> list[tuple[float, str]]:
        """(position, name) of each mark."""
        if not self.line.is_numeric:
            return [(float(i), format_value(v)) for i, v in enumerate(self.line.values)]
        limits = (self.low, self.high)
        if self.is_log:
            places = ticks_within(LogLocator(numticks=5).tick_values(*limits), limits)
        elif len(self.line.values) <= 6:
            places = [float(v) for v in self.line.values]
        else:
            places = ticks_within(MaxNLocator(5).tick_values(*limits), limits)
        return [(at, format_tick(at, PLAIN)) for at in places]


def _draw_lines(data: SearchMapsData) -> tuple[list[str], float]:
    """The candidates' means over each path; the chosen are larger."""
    left, top = 66.0, 10.0
    width = (WIDTH - left - 8 - GAP * (len(data.lines) - 1)) / len(data.lines)
    low, high = data.limits
    margin = 0.06 * (high - low) or 0.05 * (abs(high) or 1.0)
    limits = (low - margin, high + margin)
    body: list[str] = []
    for value in ticks_within(MaxNLocator(5).tick_values(*limits), limits):
        y = top + HEIGHT * (1 - _share(value, limits))
        text = format_tick(value, data.unit)
        body.append(f'<path {GRID} d="M{left} {y:.1f}H{WIDTH - 8}"/>')
        body.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    for i, line in enumerate(data.lines):
        axis = Axis(line, left + i * (width + GAP), width)
        body += _draw_candidates(axis, data, limits, top)
        body += _draw_axis(axis, top + HEIGHT)
    x, y = left, top + HEIGHT + 60
    for mark, words in ((_circle(x + 6, y), "candidate"), (_diamond(x + 106, y), "chosen")):
        body.append(f'{mark}<text x="{x + 16}" y="{y + 4}">{words}</text>')
        x += 100
    title = f"validation {data.metric}"
    body.append(f'<text x="{WIDTH - 8}" y="{y + 4}" text-anchor="end">{escape(title)}</text>')
    return body, y + 14


def _draw_candidates(
    axis: Axis, data: SearchMapsData, limits: tuple[float, float], top: float
) -> Iterator[str]:
    places = [
        (axis.x(point.position), round(top + HEIGHT * (1 - _share(point.mean, limits)), 1), point)
        for point in axis.line.points
        if math.isfinite(point.mean)
    ]
    if data.n_paths == 1 and places:
        line = "L".join(f"{x} {y}" for x, y, _ in places)
        color = page_color(line_style(0))
        yield f'<path class="line" fill="none" stroke="{color}" stroke-width="1.2" d="M{line}"/>'
    for x, y, point in sorted(places, key=lambda place: place[2].chosen):
        at = point.position
        value = at if axis.line.is_numeric else axis.line.values[int(at)]
        words = f"{axis.line.path} {format_value(value)}: {data.unit.quantity(point.mean)}"
        mark = _diamond if point.chosen else _circle
        yield mark(x, y, f"<title>{escape(words)}</title>")


def _draw_axis(axis: Axis, bottom: float) -> Iterator[str]:
    yield f'<path {GRID} d="M{axis.left:.1f} {bottom}h{axis.width:.1f}"/>'
    for at, name in axis.name_ticks():
        yield (
            f'<text x="{axis.x(at)}" y="{bottom + 16}" text-anchor="middle">{escape(name)}</text>'
        )
    yield (
        f'<text x="{axis.left + axis.width / 2:.1f}" y="{bottom + 34}" text-anchor="middle" '
        f'class="title">{escape(axis.line.path)}</text>'
    )


def _circle(x: float, y: float, inner: str = "") -> str:
    color = page_color(line_style(0))
    return f'<circle cx="{x}" cy="{y}" r="4" fill="{color}" fill-opacity="0.8">{inner}</circle>'


def _diamond(x: float, y: float, inner: str = "") -> str:
    color = page_color(line_style(1))
    return f'<path class="chosen" fill="{color}" d="M{x} {y - 7}l7 7l-7 7l-7-7Z">{inner}</path>'
