"""Differences with their intervals: of arms, and of the levels of factors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from chainrule.report.figures.canvas import line_style, literal, new_figure
from chainrule.report.numbers import PLAIN, Unit

if TYPE_CHECKING:
    from chainrule.statistics import Comparisons, Effects, PairedTest

__all__ = ["differences", "effect_sizes"]

Line = tuple[str, "PairedTest", float]


def differences(found: Comparisons, unit: Unit = PLAIN) -> tuple[Figure, Axes]:
    """Each comparison's mean difference a − b and its interval, in the metric's unit."""
    lines = [(_pair(found, c.a, c.b), c.test, c.p_holm) for c in found.comparisons]
    against = "b" if found.baseline is None else found.baseline
    return _forest(lines, unit, f"difference from {against}")


def _pair(found: Comparisons, a: str, b: str) -> str:
    return a if found.baseline is not None else f"{a} − {b}"


def effect_sizes(found: Effects, unit: Unit = PLAIN) -> tuple[Figure, Axes]:
    """Each effect and its interval, in the metric's unit."""
    return _forest([(e.name, e.test, e.p_holm) for e in found.effects], unit, "effect")


def _forest(lines: Sequence[Line], unit: Unit, title: str) -> tuple[Figure, Axes]:
    """Filled marks: p below 0.05 after Holm's correction. Above 0 is better."""
    figure, axes = new_figure(1.1 + 0.27 * len(lines))
    color = line_style(0).color
    for y, (_, test, p) in enumerate(lines):
        low, middle, high = (unit.scale * x for x in (test.low, test.difference, test.high))
        axes.plot([low, high], [y, y], color=color, lw=1.6)
        axes.plot([middle], [y], "o", color=color, mfc=color if p < 0.05 else "white")
    axes.axvline(0, color="#808080", lw=1)
    axes.set_yticks(range(len(lines)), [literal(name) for name, _, _ in lines])
    axes.set_ylim(len(lines) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    level = f"{lines[0][1].confidence:.0%}"
    axes.set_xlabel(
        literal(f"{title}{',' + unit.gap if unit.gap else ''} with its {level} interval")
    )
    return figure, axes
