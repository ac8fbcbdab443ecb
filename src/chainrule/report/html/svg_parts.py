"""What figures are made of that are drawn as text: the frame, strokes, marks of axes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from chainrule.report.html.svg import COLORS
from chainrule.report.line_styles import LineStyle
from chainrule.report.numbers import Unit

__all__ = [
    "GRID",
    "LETTER",
    "WIDTH",
    "format_tick",
    "page_color",
    "ticks_within",
    "wrap_svg",
    "write_stroke",
]

WIDTH = 826
"""Pixels: as wide as the text of the page."""

LETTER = 6.6
"""Pixels: how wide a letter is, about."""

GRID = 'class="grid" stroke="currentColor" stroke-opacity="0.2" stroke-width="0.7"'

STROKE = 1.6
"""Pixels: how wide a line is."""


def page_color(style: LineStyle) -> str:
    """The colour of a line in a page."""
    return COLORS.get(style.color, style.color)


def write_stroke(style: LineStyle) -> str:
    """The attributes of a line's path."""
    dashes = " ".join(f"{STROKE * x:g}" for x in style.dashes)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'class="line" fill="none" stroke-width="{STROKE}" stroke="{page_color(style)}"{dashed}'


def ticks_within(ticks: Sequence[float], limits: tuple[float, float]) -> list[float]:
    """Those that lie between the limits."""
    low, high = limits
    return [float(tick) for tick in ticks if low <= tick <= high]


def format_tick(value: float, unit: Unit) -> str:
    """As short as it can be."""
    x = unit.scale * value
    text = f"{x:.0e}" if x and not 1e-4 < abs(x) < 1e5 else f"{x:.4g}"
    return f"{text}{unit.suffix.strip()}"


def wrap_svg(body: Sequence[str], height: float, label: str, kind: str, told: str = "") -> str:
    """An element of this class, as wide as the page's text; ``told`` is data for its script."""
    data = f' data-told="{escape(told)}"' if told else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'width="{WIDTH}" height="{height:.0f}" role="img" aria-label="{escape(label)}" '
        f'class="{kind}" font-family="sans-serif" font-size="11.5" fill="currentColor"{data}>\n'
        + "\n".join(body)
        + "\n</svg>"
    )
