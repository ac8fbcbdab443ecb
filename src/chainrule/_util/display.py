"""Objects as small tables: printed, and in a notebook."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, ClassVar

from chainrule._util.words import count_noun

__all__ = ["ShownAsTable", "format_cell", "html_table", "sparkline"]

MOST_ROWS = 60
"""Of a longer table so many rows are shown, and how many there are."""


class ShownAsTable(ABC):
    """What prints as the table of its ``as_rows()``, of these columns alone.

    ``class Results(ShownAsTable, columns=("arm", "mean"))``.
    """

    shown_columns: ClassVar[Sequence[str]] = ()

    def __init_subclass__(cls, columns: Sequence[str] = (), **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.shown_columns = columns or cls.shown_columns

    @abstractmethod
    def as_rows(self) -> list[dict[str, Any]]:
        """Its rows, name → value."""

    def __repr__(self) -> str:
        head, *body = _select_cells(self.shown_columns, self.as_rows())
        widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
        table = [head, *body]
        lines = [
            "  ".join(c.ljust(n) for c, n in zip(row, widths, strict=True)).rstrip()
            for row in table[: MOST_ROWS + 1]
        ]
        more = [f"… {count_noun(len(body), 'row')}"] if len(body) > MOST_ROWS else []
        return "\n".join([*lines, *more])

    def _repr_html_(self) -> str:
        head, *body = _select_cells(self.shown_columns, self.as_rows())
        return html_table(head, body)


def _select_cells(
    columns: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> list[tuple[str, ...]]:
    """The head, then a row a row, as texts."""
    body = [tuple(format_cell(row.get(name)) for name in columns) for row in rows]
    return [tuple(name.replace("_", " ") for name in columns), *body]


def format_cell(value: Any) -> str:
    """A value in a few letters; a number to four digits, nothing for None."""
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def html_table(
    head: Sequence[str], body: Sequence[Sequence[str]], caption: str = "", raw: Iterable[int] = ()
) -> str:
    """A table in HTML; the columns of these places hold HTML already, of the others texts."""
    raw = {*raw}

    def row(cells: Sequence[str], tag: str) -> str:
        made = (
            f"<{tag}>{c if i in raw and tag == 'td' else escape(c)}</{tag}>"
            for i, c in enumerate(cells)
        )
        return f"<tr>{''.join(made)}</tr>"

    rows = "".join(row(cells, "td") for cells in body[:MOST_ROWS])
    if len(body) > MOST_ROWS:
        rows += f'<tr><td colspan="{len(head)}">… {count_noun(len(body), "row")}</td></tr>'
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead>{row(head, 'th')}</thead><tbody>{rows}</tbody></table>"


def sparkline(values: Sequence[float], width: int = 120, height: int = 24) -> str:
    """A curve as a line of SVG, of the numbers that are finite; "" where fewer than two are."""
    points = [(i, v) for i, v in enumerate(values) if v == v and abs(v) != float("inf")]
    if len(points) < 2:
        return ""
    low, high = min(v for _, v in points), max(v for _, v in points)
    x_scale, y_scale = width / (len(values) - 1), (height - 2) / ((high - low) or 1)
    line = " ".join(f"{i * x_scale:.1f},{height - 1 - (v - low) * y_scale:.1f}" for i, v in points)
    return (
        f'<svg role="img" aria-label="from {points[0][1]:.4g} to {points[-1][1]:.4g}" '
        f'width="{width}" height="{height}"><polyline points="{line}" fill="none" '
        'stroke="currentColor"/></svg>'
    )
