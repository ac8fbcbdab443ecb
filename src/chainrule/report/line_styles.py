"""How one line of a figure is told from the others, whoever draws it."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

__all__ = ["LineStyle", "line_style"]

# Okabe and Ito (2008), but its yellow and black: one is lost on white, the other on a dark page.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DASHES: tuple[tuple[float, ...], ...] = (
    (),
    (4, 1.6),
    (1, 1.6),
    (6, 1.6, 1, 1.6),
    (9, 2.5),
    (6, 1.6, 1, 1.6, 1, 1.6),
    (1, 4),
    (9, 2, 3, 2),
    (3, 4),
    (3, 1.2, 3, 1.2, 1, 1.2),
)
MARKERS = "os^Dv<>P*Xhp"

Dash: TypeAlias = "str | tuple[float, tuple[float, ...]]"


class LineStyle(NamedTuple):
    """How line i is told from the others, with colours or without.

    ``dashes``: lengths of strokes and gaps, in widths of the line; none for a whole one.
    """

    color: str
    dashes: tuple[float, ...]
    marker: str

    @property
    def linestyle(self) -> Dash:
        """The dashes as matplotlib has them."""
        return (0, self.dashes) if self.dashes else "-"


def line_style(i: int) -> LineStyle:
    """60 different lines, and as many different marks, then again."""
    turn = i // len(PALETTE)
    return LineStyle(
        PALETTE[i % len(PALETTE)],
        DASHES[turn % len(DASHES)],
        MARKERS[(i + i // len(MARKERS)) % len(MARKERS)],
    )
