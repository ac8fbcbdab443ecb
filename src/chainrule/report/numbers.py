"""How numbers are shown: rounded for reading, each in its own unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from chainrule.study import Study

__all__ = [
    "MISSING",
    "PERCENT",
    "PLAIN",
    "Unit",
    "fit_unit",
    "format_decimal",
    "format_p",
    "format_value",
    "metric_unit",
]

MISSING = "–"
"""What stands where a number is not known."""

HUGE = 1e10
"""From here on no digit tells anything: an error before it became infinite, say."""


@final
@dataclass(frozen=True)
class Unit:
    """How a metric is shown: times ``scale``, with ``decimals``, then ``suffix``.

    ``difference_suffix`` follows a difference: two shares differ by points, not by per cent.
    """

    scale: float = 1.0
    decimals: int = 4
    suffix: str = ""
    difference_suffix: str = ""

    def number(self, x: float | None) -> str:
        """``83.19``"""
        return format_decimal(None if x is None else self.scale * x, self.decimals)

    def quantity(self, x: float) -> str:
        """``83.19 %``"""
        return f"{self.number(x)}{self.suffix}"

    def difference(self, x: float) -> str:
        """``+1.20``; of one that the decimals would hide, the first digit: ``+0.003``."""
        scaled = self.scale * x
        if not abs(scaled) < HUGE:
            return format_decimal(scaled, 0)
        text = f"{scaled:+.{self.decimals}f}"
        if abs(scaled) < 10.0 ** -(self.decimals + 7):  # what adding up leaves of 0
            return f"{0.0:+.{self.decimals}f}"
        return f"{scaled:+.1g}" if not text.strip("+-0.") else text

    def magnitude(self, x: float) -> str:
        """``1.20 points``: how large a difference is, without its sign."""
        return f"{self.difference(abs(x)).removeprefix('+')}{self.difference_suffix}"

    def is_possible(self, x: float) -> bool:
        """Whether a difference can be so large: finite, and of shares at most all."""
        return math.isfinite(x) and not (self.suffix and abs(x) > 1)

    def spread(self, mean: float, std: float | None) -> str:
        """``83.19 ± 0.45``; a spread that is not known is a dash."""
        return f"{self.number(mean)} ± {self.number(std)}"

    def interval(self, low: float, high: float) -> str:
        """``[-0.12, +2.52]``"""
        return f"[{self.difference(low)}, {self.difference(high)}]"


PLAIN = Unit()
"""A number as it is."""


PERCENT = Unit(100.0, 2, " %", " points")
"""A share."""

SHARES = ("accuracy", "coverage", "errorrate")
"""A metric is a share where its name, or its class's, has one of these."""


def metric_unit(name: str, study: Study | None = None) -> Unit:
    """Per cent for a metric, or a curve of it, that is a share; else the number as it is."""
    metric = name.removeprefix("test_").removeprefix("train_")
    component = study.metrics.get(metric) if study is not None else None
    names = f"{metric} {component.name if component else ''}".lower()
    return PERCENT if any(word in names for word in SHARES) else PLAIN


def fit_unit(spreads: Sequence[float], sizes: Sequence[float]) -> Unit:
    """As many decimals as show two digits of the spreads, or, without them, four of the sizes."""
    if spreads:
        return Unit(decimals=_count_decimals(median(spreads), 2))
    return Unit(decimals=_count_decimals(median(sizes), 4)) if sizes else PLAIN


def _count_decimals(x: float, digits: int) -> int:
    """How many decimals show this many digits of x; at least 0, at most 8."""
    if not math.isfinite(x):
        return 4
    return min(8, max(0, digits - 1 - math.floor(math.log10(x))))


def format_decimal(x: float | None, decimals: int) -> str:
    """With this many decimals, or as 2.7e+16; a dash for what is not known."""
    if x is None or math.isnan(x):
        return MISSING
    if math.isinf(x):
        return "∞" if x > 0 else "-∞"
    if abs(x) >= HUGE:
        return f"{x:.2g}"
    return f"{x:z.{decimals}f}"  # z: 0.00, never -0.00


def format_p(p: float | None) -> str:
    """Three decimals, and four near 0.05, where three would hide the side it is on."""
    if p is not None and p < 0.001:
        return "< 0.001"
    return format_decimal(p, 4 if p is not None and 0.0495 <= p < 0.0505 else 3)


def format_value(x: object) -> str:
    """An entry of a setting."""
    return f"{x:g}" if isinstance(x, float) else str(x)
