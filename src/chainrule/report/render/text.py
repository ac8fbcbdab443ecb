"""Tables as text: CSV and JSON in full precision, LaTeX and Markdown rounded."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chainrule.report.tables.table import Table

__all__ = ["as_csv", "as_json", "as_latex", "as_markdown", "csv_of"]

LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "−": r"$-$",
    "–": "--",
    "∞": r"$\infty$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "×": r"$\times$",
    "₀": r"$_0$",
}


def as_csv(sheet: Table) -> str:
    """A line a row, in full precision; what is not known is empty."""
    return csv_of(sheet.rows)


def as_json(sheet: Table) -> str:
    """A list of objects, one a line, in full precision; what is not known is null."""
    lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) for row in sheet.rows]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def as_markdown(sheet: Table) -> str:
    """A table as GitHub and pandoc read it, rounded, with its caption and notes."""
    head = [column.title for column in sheet.columns]
    rule = ["---:" if column.numeric else ":---" for column in sheet.columns]
    body = [[cell.text for cell in row] for row in sheet.cells]
    lines = [_piped(_safe(head)), _piped(rule), *(_piped(_safe(row)) for row in body)]
    after = [f"*{_safe([sheet.caption])[0]}*", *_safe(sheet.notes)]
    return "\n".join([*lines, ""]) + "".join(f"\n{text}\n" for text in after)


def as_latex(sheet: Table) -> str:
    """A ``table`` with booktabs' rules, rounded, with its caption and notes; all text escaped."""
    head = [column.title for column in sheet.columns]
    align = "".join("r" if column.numeric else "l" for column in sheet.columns)
    body = [_row(cell.text for cell in row) for row in sheet.cells]
    caption = escaped(" ".join([sheet.caption, *sheet.notes]))
    lines = [
        "% needs \\usepackage{booktabs}",
        "\\begin{table}",
        "  \\centering",
        f"  \\caption{{{caption}}}",
        f"  \\begin{{tabular}}{{{align}}}",
        *(f"    {line}" for line in ["\\toprule", _row(head), "\\midrule", *body, "\\bottomrule"]),
        "  \\end{tabular}",
        "\\end{table}",
    ]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """The text as LaTeX prints it."""
    return "".join(LATEX.get(sign, sign) for sign in " ".join(text.split()))


def _row(texts: Iterator[str] | Sequence[str]) -> str:
    cells = [escaped(text) for text in texts]
    # An optional argument of \\ would swallow an interval that begins the next row.
    cells[0] = f"{{{cells[0]}}}" if cells and cells[0].startswith("[") else cells[0]
    return " & ".join(cells) + r" \\"


def _safe(texts: Sequence[str]) -> list[str]:
    """With every sign escaped that Markdown, or the HTML it allows, would take for its own."""
    return [re.sub(r"([\\`*_|<>\[\]])", r"\\\1", " ".join(text.split())) for text in texts]


def _piped(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def csv_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV (RFC 4180, lines end in one newline); ``a.b`` is entry b of the object a."""
    flat = [dict(_flat(row)) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()


def _flat(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in row.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple):
            yield f"{prefix}{key}", json.dumps(value)
        else:
            yield f"{prefix}{key}", value
