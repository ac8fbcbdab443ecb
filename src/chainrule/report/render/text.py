"""Tables as text: CSV and JSON in full precision, LaTeX and Markdown rounded."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chainrule._util.plain_data import flatten_dict
from chainrule.report.tables.table import Table

__all__ = ["as_csv", "as_json", "as_latex", "as_markdown", "rows_to_csv"]

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


def as_csv(table: Table) -> str:
    """A line a row, in full precision; what is not known is empty. Without rows the heads alone."""
    return rows_to_csv(table.rows, [column.title for column in table.columns])


def as_json(table: Table) -> str:
    """A list of objects, one a line, in full precision; what is not known is null."""
    lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) for row in table.rows]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def as_markdown(table: Table) -> str:
    """A table as GitHub and pandoc read it, rounded, with its caption and notes."""
    head = [column.title for column in table.columns]
    rule = ["---:" if column.numeric else ":---" for column in table.columns]
    body = [[cell.text for cell in row] for row in table.cells]
    lines = [
        _markdown_row(_escape_markdown(head)),
        _markdown_row(rule),
        *(_markdown_row(_escape_markdown(row)) for row in body),
    ]
    after = [f"*{_escape_markdown([table.caption])[0]}*", *_escape_markdown(table.footnotes())]
    return "\n".join([*lines, ""]) + "".join(f"\n{text}\n" for text in after)


def as_latex(table: Table) -> str:
    """A ``table`` with booktabs' rules, rounded, with its caption and notes; all text escaped."""
    head = [column.title for column in table.columns]
    align = "".join("r" if column.numeric else "l" for column in table.columns)
    body = [_latex_row(cell.text for cell in row) for row in table.cells]
    caption = escape_latex(" ".join([table.caption, *table.footnotes()]))
    lines = [
        "% needs \\usepackage{booktabs}",
        "\\begin{table}",
        "  \\centering",
        f"  \\caption{{{caption}}}",
        f"  \\begin{{tabular}}{{{align}}}",
        *(
            f"    {line}"
            for line in ["\\toprule", _latex_row(head), "\\midrule", *body, "\\bottomrule"]
        ),
        "  \\end{tabular}",
        "\\end{table}",
    ]
    return "\n".join(lines) + "\n"


def escape_latex(text: str) -> str:
    """The text as LaTeX prints it."""
    return "".join(LATEX.get(sign, sign) for sign in " ".join(text.split()))


def _latex_row(texts: Iterator[str] | Sequence[str]) -> str:
    cells = [escape_latex(text) for text in texts]
    # An optional argument of \\ would swallow an interval that begins the next row.
    cells[0] = f"{{{cells[0]}}}" if cells and cells[0].startswith("[") else cells[0]
    return " & ".join(cells) + r" \\"


def _escape_markdown(texts: Sequence[str]) -> list[str]:
    """With every sign escaped that Markdown, or the HTML it allows, would take for its own."""
    return [re.sub(r"([\\`*_|<>\[\]])", r"\\\1", " ".join(text.split())) for text in texts]


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def rows_to_csv(rows: Sequence[Mapping[str, Any]], heads: Sequence[str] = ()) -> str:
    """Rows as CSV (RFC 4180, lines end in one newline); ``a.b`` is entry b of the object a.

    ``heads``: the first line where there are no rows, whose own names it else has.
    """
    flat_rows = [
        {
            path: json.dumps(x) if isinstance(x, list | tuple) else x
            for path, x in flatten_dict(row).items()
        }
        for row in rows
    ]
    names = list(dict.fromkeys(name for row in flat_rows for name in row)) or heads
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat_rows)
    return text.getvalue()
