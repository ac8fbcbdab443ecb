"""Learning curves as SVG whose lines a page can switch and read off; drawn here, as text.

matplotlib takes half a second for a figure of many arms, and what it writes has no names for a page
to find. The first of its figures in a report has a line an arm, with a key; the second a panel an
arm. The numbers are also in the element, as JSON, for :file:`page.js` to tell them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import final

from matplotlib.ticker import LogLocator, MaxNLocator

from chainrule.report.figure_data.curve_grid import SIDES, CurveGridData
from chainrule.report.figure_data.curves import Curve, CurvesData
from chainrule.report.html.svg_parts import (
    GRID,
    LETTER,
    WIDTH,
    format_tick,
    page_color,
    ticks_within,
    wrap_svg,
    write_stroke,
)
from chainrule.report.line_styles import LineStyle, line_style
from chainrule.report.numbers import Unit

__all__ = ["draw_curve_grid_svg", "draw_curves_svg"]

LEFT, RIGHT, KEY_ROW = 66, 8, 20
PANEL_COLUMNS = 4

DIGITS = 4
"""Digits of the numbers that are told."""


@final
@dataclass(frozen=True)
class Panel:
    """An area of the figure: from epochs and values to its pixels."""

    left: float
    top: float
    width: float
    height: float
    epochs: tuple[float, float]
    values: tuple[float, float]
    is_log: bool

    def x(self, epoch: float) -> float:
        """Where an epoch stands."""
        low, high = self.epochs
        share = (epoch - low) / (high - low) if high > low else 0.5
        return round(self.left + share * self.width, 1)

    def y(self, value: float) -> float:
        """Where a value stands; outside of the panel, at its edge."""
        low, high, v = (self._scale(v) for v in (*self.values, value))
        share = min(1.02, max(-0.02, (v - low) / (high - low))) if high > low else 0.5
        return round(self.top + (1 - share) * self.height, 1)

    def _scale(self, value: float) -> float:
        if not self.is_log:
            return value
        return math.log10(value) if value > 0 else -math.inf

    def draw_axes(self, unit: Unit, *, left: bool, bottom: bool) -> Iterator[str]:
        """The grid, and numbers at its left and below it."""
        base = self.top + self.height
        ticks = LogLocator(numticks=6) if self.is_log else MaxNLocator(5)
        for value in ticks_within(ticks.tick_values(*self.values), self.values):
            y = self.y(value)
            yield f'<path {GRID} d="M{self.left} {y}H{self.left + self.width}"/>'
            if left:
                text = format_tick(value, unit)
                yield f'<text x="{self.left - 6}" y="{y + 4}" text-anchor="end">{text}</text>'
        whole = MaxNLocator(max(3, int(self.width / 70)), integer=True, min_n_ticks=1)
        for epoch in ticks_within(whole.tick_values(*self.epochs), self.epochs) if bottom else ():
            x = self.x(epoch)
            yield f'<text x="{x}" y="{base + 16}" text-anchor="middle">{epoch:g}</text>'

    def draw_curve(self, curve: Curve, style: LineStyle) -> Iterator[str]:
        """The mean in a band of ± one standard deviation; one epoch is a point."""
        color = page_color(style)
        points = [
            (self.x(epoch), mean, std)
            for epoch, mean, std in zip(
                curve.epochs, curve.means, curve.stds or [0.0] * len(curve.means), strict=True
            )
            if math.isfinite(mean)
        ]
        if not points:
            return
        if curve.stds is not None:
            edge = [f"{x} {self.y(m + s)}" for x, m, s in points if math.isfinite(s)]
            back = [f"{x} {self.y(m - s)}" for x, m, s in reversed(points) if math.isfinite(s)]
            area = "L".join(edge + back)
            yield f'<path class="band" fill="{color}" fill-opacity="0.15" d="M{area}Z"/>'
        line = "L".join(f"{x} {self.y(m)}" for x, m, _ in points)
        yield f'<path {write_stroke(style)} d="M{line}"/>'
        if len(points) == 1:
            ((x, mean, _),) = points
            yield f'<circle fill="{color}" r="3.5" cx="{x}" cy="{self.y(mean)}"/>'


def draw_curves_svg(data: CurvesData, label: str) -> str:
    """A line a curve, its name in a key below; names of a group stand together."""
    scale, width = data.scale, WIDTH - LEFT - RIGHT
    values = scale.find_limits(data.curves)
    panel = Panel(LEFT, 8, width, 300, _find_epochs(data.curves), values, scale.is_log)
    key, height = _draw_key(data.curves, panel.top + panel.height + 48)
    groups = [
        f'<g class="curve" data-curve="{i}">{"".join(panel.draw_curve(c, line_style(i)))}</g>'
        for i, c in enumerate(data.curves)
    ]
    x, y = panel.left + panel.width / 2, panel.top + panel.height + 34
    body = [*panel.draw_axes(data.unit, left=True, bottom=True), *groups, *key]
    body.append(f'<text x="{x}" y="{y}" text-anchor="middle">epoch</text>')
    told = {
        "unit": [data.unit.scale, data.unit.decimals, data.unit.suffix],
        "left": panel.left,
        "width": panel.width,
        "epochs": panel.epochs,
        "curves": [_tell_curve(c, panel) for c in data.curves],
    }
    return wrap_svg(
        body, height, label, "curves", json.dumps(told, allow_nan=False, separators=(",", ":"))
    )


def _tell_curve(curve: Curve, panel: Panel) -> dict[str, object]:
    """What page.js needs to find the line that is nearest to the pointer, and to tell it."""
    return {
        "name": curve.label,
        "epochs": [*curve.epochs],
        "means": [_shorten(x) for x in curve.means],
        "stds": None if curve.stds is None else [_shorten(x) for x in curve.stds],
        "y": [panel.y(x) if math.isfinite(x) else None for x in curve.means],
    }


def _shorten(x: float) -> float | None:
    return float(f"{x:.{DIGITS}g}") if math.isfinite(x) else None


def _draw_key(curves: Sequence[Curve], top: float) -> tuple[list[str], float]:
    """The names with their lines, in columns of one width, and the height that is reached."""
    width = 44 + LETTER * max((len(curve.label) for curve in curves), default=0)
    columns = max(1, int((WIDTH - 8) / width))
    drawn, row, column, group = [], -1, columns, ""
    for i, curve in enumerate(curves):
        if curve.group != group:
            group, column = curve.group, columns
            row += 1
            members = " ".join(str(j) for j, c in enumerate(curves) if c.group == group)
            y = top + KEY_ROW * row
            drawn.append(
                f'<text class="group" font-weight="600" data-curves="{members}" x="8" y="{y + 4}">'
                f"{escape(group)}</text>"
            )
        if column == columns:
            row, column = row + 1, 0
        x, y = 8 + column * width, top + KEY_ROW * row
        drawn.append(
            f'<g class="key" data-curve="{i}">'
            f'<path {write_stroke(line_style(i))} d="M{x:.0f} {y}h28"/>'
            f'<text x="{x + 34:.0f}" y="{y + 4}">{escape(curve.label)}</text></g>'
        )
        column += 1
    return drawn, top + KEY_ROW * (row + 1)


def draw_curve_grid_svg(data: CurveGridData, label: str) -> str:
    """A panel an arm and kind: training dashed, test whole, the axes of a kind alike."""
    columns = min(len(data.panels), PANEL_COLUMNS)
    gap, high = 24, 96
    wide = (WIDTH - LEFT - RIGHT - gap * (columns - 1)) / columns
    scales = []
    for kind in range(len(data.kinds)):
        curves, scale = data.list_curves(kind), data.choose_scale(kind)
        scales.append((_find_epochs(curves), scale.find_limits(curves), scale.is_log))
    body, block = [], len(data.kinds) * (high + 12) + 34
    for i, panels in enumerate(data.panels):
        row, column = divmod(i, columns)
        left, top = LEFT + column * (wide + gap), 20 + row * block
        body.append(
            f'<text x="{left + wide / 2:.1f}" y="{top - 6}" text-anchor="middle" '
            f'class="title">{escape(panels[0].arm)}</text>'
        )
        for kind, found in enumerate(panels):
            y = top + kind * (high + 12)
            panel = Panel(round(left, 1), y, round(wide, 1), high, *scales[kind])
            last = kind == len(data.kinds) - 1
            body += panel.draw_axes(data.units[kind], left=column == 0, bottom=last)
            for curve in found.curves:
                body += panel.draw_curve(curve, _side_style(curve.name))
            if column == 0:
                mid = y + high / 2
                body.append(
                    f'<text transform="translate(12 {mid}) rotate(-90)" text-anchor="middle">'
                    f"{escape(data.kinds[kind])}</text>"
                )
    height = 20 + block * -(-len(data.panels) // columns)
    body += _draw_side_key(height)
    return wrap_svg(body, height + KEY_ROW, label, "curves")


def _side_style(side: str) -> LineStyle:
    """Training is dashed."""
    i = SIDES.index(side)
    return line_style(i)._replace(dashes=() if i else (4, 1.6))


def _draw_side_key(y: float) -> Iterator[str]:
    for i, side in enumerate(SIDES):
        style, x = _side_style(side), LEFT + 160 * i
        yield (
            f'<path {write_stroke(style)} d="M{x} {y}h28"/>'
            f'<text x="{x + 34}" y="{y + 4}">{side}</text>'
        )


def _find_epochs(curves: Sequence[Curve]) -> tuple[float, float]:
    """The first and the last epoch."""
    epochs = [epoch for curve in curves for epoch in curve.epochs] or [1]
    return min(epochs), max(epochs)
