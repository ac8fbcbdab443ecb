"""What a page holds for taking along: tables and data of figures, within their links."""

from __future__ import annotations

import gzip
from base64 import b64encode

from chainrule.report.render.text import as_csv, as_json, as_latex, as_markdown
from chainrule.report.tables.table import Table

__all__ = ["SHOWN_ROWS", "build_download", "build_downloads", "data_uri", "pack_text"]

SHOWN_ROWS = 200
"""Rows of a table that a page begins with; the others come at a click, or by sorting."""

MAX_PLAIN = 3000
"""Letters of a file that is kept as it is; a longer one is compressed."""

FORMATS = {
    "CSV": (as_csv, "csv", "text/csv"),
    "JSON": (as_json, "json", "application/json"),
    "LaTeX": (as_latex, "tex", "application/x-tex"),
    "Markdown": (as_markdown, "md", "text/markdown"),
}


def build_downloads(table: Table) -> list[tuple[str, str, str]]:
    """(format, file name, address) each; of a long table as CSV alone."""
    formats = list(FORMATS)[: 1 if len(table.rows) > SHOWN_ROWS else None]
    return [
        (name, *build_download(write(table), f"{table.name}.{ending}", kind))
        for name, (write, ending, kind) in FORMATS.items()
        if name in formats
    ]


def build_download(text: str, name: str, kind: str = "text/csv") -> tuple[str, str]:
    """(file name, address); of a long text compressed, which page.js undoes when it is saved."""
    if len(text) <= MAX_PLAIN:
        return name, data_uri(text, kind)
    return f"{name}.gz", f"data:application/gzip;base64,{pack_text(text)}"


def data_uri(text: str, kind: str = "text/csv") -> str:
    """An address that holds the text itself."""
    return f"data:{kind};charset=utf-8;base64,{b64encode(text.encode()).decode()}"


def pack_text(text: str) -> str:
    """A text as gzip has it, in letters; the same each time."""
    return b64encode(gzip.compress(text.encode(), mtime=0)).decode()
